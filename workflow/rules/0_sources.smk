# Where everything comes from: files of config/downloads.tsv, or the simulated sky.
# Reads: the network, or nothing. Writes: <downloads>/*, <results>/0_sources/{survey}/*.
# Paper: Sec. 2.1.


include: "inputs/0_sources.smk"


rule download_file:
    """Download one file of config/downloads.tsv and hold it to its checksum."""
    input:
        # Neither an edit of this list nor of the code fetches it anew: its checksum says it is right.
        downloads=ancient("config/downloads.tsv"),
    output:
        "<downloads>/{file}",
    log:
        "<logs>/0_sources/download_file/{file}.log",
    benchmark:
        "<benchmarks>/0_sources/download_file/{file}.tsv"
    wildcard_constraints:
        file=r"[^/]+\.(fits|parquet|csv|zip|h5)",
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        http=1,
        mem_mb=escalate(1000),
        runtime=estimated("download_file"),
    params:
        client=config["downloads"],
        contact=config["legacysurvey"]["contact"],
    script:
        "../../scripts/0_sources/download_file.py"


rule simulate_survey:
    """Draw a simulated sky: an atlas, volunteers' votes, automated fractions and forum tags."""
    input:
        # Other rules merge the spellings that this one draws; new rules make no other sky.
        tag_rules=ancient("config/tags.tsv"),
    output:
        truth="<results>/0_sources/{survey}/truth.parquet",
        nsa="<results>/0_sources/{survey}/nsa.fits",
        automated="<results>/0_sources/{survey}/automated.parquet",
        volunteers="<results>/0_sources/{survey}/volunteers.parquet",
        rare_features="<results>/0_sources/{survey}/rare_features.parquet",
        tags="<results>/0_sources/{survey}/tags.csv",
        solutions="<results>/0_sources/{survey}/training_solutions.csv",
    log:
        "<logs>/0_sources/simulate_survey/{survey}.log",
    benchmark:
        "<benchmarks>/0_sources/simulate_survey/{survey}.tsv"
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=escalate(2000),
        runtime=escalate(60),
    params:
        code=code_of("simulate_survey"),
        galaxies=lambda wildcards: SURVEYS[wildcards.survey]["simulation"]["galaxies"],
        seed=lambda wildcards: SURVEYS[wildcards.survey]["simulation"]["seed"],
        merging_share=lambda wildcards: SURVEYS[wildcards.survey]["simulation"]["merging_share"],
        nsa=config["nsa"],
    script:
        "../../scripts/0_sources/simulate_survey.py"


rule simulate_pictures:
    """Take the pictures of a simulated survey that comes as a zip of JPEGs, as GZ2 does."""
    input:
        truth="<results>/0_sources/{survey}/truth.parquet",
    output:
        "<results>/0_sources/{survey}/images.zip",
    log:
        "<logs>/0_sources/simulate_pictures/{survey}.log",
    benchmark:
        "<benchmarks>/0_sources/simulate_pictures/{survey}.tsv"
    conda:
        "../../envs/images.yaml"
    threads: 2
    resources:
        mem_mb=escalate(2000),
        runtime=estimated("simulate_pictures"),
    params:
        code=code_of("simulate_pictures"),
        simulation=lambda wildcards: SURVEYS[wildcards.survey]["simulation"],
        thumbnail_size=config["cutouts"]["thumbnail_size"],
        jpeg_quality=config["cutouts"]["jpeg_quality"],
    script:
        "../../scripts/0_sources/simulate_pictures.py"


rule simulate_cutout:
    """Make one FITS cutout of the simulated sky, as the survey's service would send it."""
    input:
        truth="<results>/0_sources/{survey}/truth.parquet",
    output:
        "<results>/0_sources/{survey}/cutouts/{iauname}.fits",
    log:
        "<logs>/0_sources/simulate_cutout/{survey}/{iauname}.log",
    benchmark:
        "<benchmarks>/0_sources/simulate_cutout/{survey}/{iauname}.tsv"
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(10),
    params:
        code=code_of("simulate_cutout"),
        simulation=lambda wildcards: SURVEYS[wildcards.survey]["simulation"],
        thumbnail_size=config["cutouts"]["thumbnail_size"],
        pixel_scale=config["cutouts"]["pixel_scale"],
    script:
        "../../scripts/0_sources/simulate_cutout.py"


rule downloads:
    """Target: the files of config/downloads.tsv that the configuration names."""
    input:
        named_downloads(config),
