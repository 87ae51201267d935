# Input functions of 2_cutouts.smk.


def images_of(wildcards):
    """List the local files that a survey's images come from."""
    images = SURVEYS[wildcards.survey]["images"]
    if images["source"] == "simulated":
        return f"<results>/0_sources/{wildcards.survey}/truth.parquet"
    return image_archives(images)


def index_of(wildcards):
    """Name the index of a survey's images, if they are in folders or zips."""
    listed = SURVEYS[wildcards.survey]["images"]["source"] == "directory"
    return f"<results>/2_cutouts/{wildcards.survey}.index.parquet" if listed else []


def service_of(wildcards):
    """Give the settings of the cutout service, if a survey's images come from there.

    How many requests it gets at once changes no image.
    """
    if SURVEYS[wildcards.survey]["images"]["source"] != "legacysurvey":
        return None
    return {key: value for key, value in config["legacysurvey"].items() if key != "parallel"}


def requests_at_once(wildcards):
    """Claim all requests to servers that may be in flight, so that no other job adds to them."""
    return config["legacysurvey"]["parallel"] if service_of(wildcards) else 0


def code_of_images(wildcards):
    """Hash the code that makes a survey's images.

    The code of the simulated sky counts only for a survey whose images are simulated.
    """
    simulated = SURVEYS[wildcards.survey]["images"]["source"] == "simulated"
    return code_of("fetch_cutouts", without=() if simulated else ("sources.sky.render",))
