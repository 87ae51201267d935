# One image shard per job: colour thumbnails for people, grey images for the network.
# Reads: <results>/1_catalogue/{survey}/shards/*, the survey's images.
# Writes: <results>/2_cutouts/{survey}/*. Paper: Sec. 2.1, 2.2.
from workflow.lib.planning.grid import image_archives


include: "inputs/2_cutouts.smk"


rule index_images:
    """List the images in a survey's folders and zips, once for all its shards."""
    input:
        images_of,
    output:
        "<results>/2_cutouts/{survey}.index.parquet",
    log:
        "<logs>/2_cutouts/index_images/{survey}.log",
    benchmark:
        "<benchmarks>/2_cutouts/index_images/{survey}.tsv"
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500, 2000),
        runtime=escalate(60),
    params:
        code=code_of("index_images"),
        stamps=lambda wildcards: [*map(users_stamp, images_of(wildcards))],
    script:
        "../../scripts/2_cutouts/index_images.py"


rule fetch_cutouts:
    """Fetch, scale and colour the images of one shard; list the galaxies without an image."""
    input:
        shard="<results>/1_catalogue/{survey}/shards/{shard}.csv",
        index=index_of,
        images=images_of,
    output:
        cutouts="<results>/2_cutouts/{survey}/{shard}.parquet",
        failed="<results>/2_cutouts/{survey}/{shard}.failed.csv",
    log:
        "<logs>/2_cutouts/fetch_cutouts/{survey}/{shard}.log",
    benchmark:
        "<benchmarks>/2_cutouts/fetch_cutouts/{survey}/{shard}.tsv"
    group:
        batch_of("fetch_cutouts")
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        http=requests_at_once,
        mem_mb=escalate(1500),
        runtime=estimated("fetch_cutouts"),
        turn=1,
    params:
        code=code_of_images,
        source=lambda wildcards: SURVEYS[wildcards.survey]["images"]["source"],
        images=lambda wildcards: {
            key: SURVEYS[wildcards.survey]["images"][name]
            for key, name in {"order": "bands", "units": "units"}.items()
            if name in SURVEYS[wildcards.survey]["images"]
        },
        simulation=lambda wildcards: SURVEYS[wildcards.survey].get("simulation"),
        legacysurvey=service_of,
        cutouts=config["cutouts"],
    script:
        "../../scripts/2_cutouts/fetch_cutouts.py"


rule gather_images:
    """Put the grey images of a survey into one array, for training."""
    input:
        shards=lambda wildcards: each_shard(
            "<results>/2_cutouts/{survey}/{shard}.parquet", **wildcards
        ),
    output:
        images="<results>/2_cutouts/{survey}/images.npy",
        names="<results>/2_cutouts/{survey}/images.csv",
    log:
        "<logs>/2_cutouts/gather_images/{survey}.log",
    benchmark:
        "<benchmarks>/2_cutouts/gather_images/{survey}.tsv"
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=estimated("gather_images"),
    params:
        code=code_of("gather_images"),
    script:
        "../../scripts/2_cutouts/gather_images.py"


rule cutouts:
    """Target: all image shards of the surveys that the figures show."""
    input:
        [
            each_shard("<results>/2_cutouts/{survey}/{shard}.parquet", survey)
            for survey in IN_FIGURES
        ],
