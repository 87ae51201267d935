# Input functions of 2_cutouts.smk.


def images_of(wildcards):
    """List the local files that a survey's images come from."""
    images = SURVEYS[wildcards.survey]["images"]
    return {
        "legacysurvey": [],
        "directory": images.get("path"),
        "simulated": f"<results>/0_sources/{wildcards.survey}/truth.parquet",
    }[images["source"]]


def code_of_images(wildcards):
    """Hash the code that makes a survey's images.

    The code of the simulated sky counts only for a survey whose images are simulated.
    """
    simulated = SURVEYS[wildcards.survey]["images"]["source"] == "simulated"
    return code_of("fetch_cutouts", without=() if simulated else ("sources.sky.render",))


def memory_to_fetch(wildcards, attempt):
    """Ask for memory for a shard's images, and for the names of all files in a folder or zip."""
    listed = SURVEYS[wildcards.survey]["images"]["source"] == "directory"
    return memory(1500, 1000 if listed else 0)(wildcards, attempt)
