# The raw data: files of config/downloads.tsv, or a simulated sky.
# Reads: the network, or nothing. Writes: <downloads>/*, <results>/0_sources/{survey}/*.
# Paper: Sec. 2.1.


include: "inputs/0_sources.smk"


rule download_file:
    """Download one file of config/downloads.tsv and check its checksum."""
    input:
        # An edit of this list or of the code starts no new download: the checksum is enough.
        downloads=ancient("config/downloads.tsv"),
    output:
        "<downloads>/{file}",
    log:
        "<logs>/0_sources/download_file/{file}.log",
    benchmark:
        "<benchmarks>/0_sources/download_file/{file}.tsv"
    wildcard_constraints:
        file=not_there(r"[^/]+\.(fits|parquet|csv|zip|h5)"),
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
        # Spellings come from here. An edit of these rules must not draw a new sky.
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
        ring_share=lambda wildcards: SURVEYS[wildcards.survey]["simulation"].get("ring_share"),
        nsa=config["nsa"],
    script:
        "../../scripts/0_sources/simulate_survey.py"


rule simulate_pictures:
    """Draw the JPEGs of a simulated survey whose images come as a zip, as those of GZ2 do."""
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
    threads: 1
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
    """Make a simulated FITS cutout: ask for <results>/0_sources/{survey}/cutouts/{iauname}.fits."""
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
