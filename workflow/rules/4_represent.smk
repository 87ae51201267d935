# From images to 1280 numbers each, to principal components, to positions on a plane.
# Reads: <results>/2_cutouts/{survey}/*, <results>/3_pretrain/{pretraining}/*.
# Writes: <results>/4_represent/{survey}/{pretraining}/*. Paper: Sec. 2.2, 2.3.
from workflow.lib.planning.grid import given_table, predicts_votes


include: "inputs/4_represent.smk"


wildcard_constraints:
    sample="|".join(config["umap"]["samples"]),


rule embed_cutouts:
    """Calculate the representation of each galaxy of a shard."""
    input:
        cutouts="<results>/2_cutouts/{survey}/{shard}.parquet",
        weights="<results>/3_pretrain/{pretraining}/encoder.weights.h5",
        description="<results>/3_pretrain/{pretraining}/encoder.json",
    output:
        "<results>/4_represent/{survey}/{pretraining}/shards/{shard}.parquet",
    log:
        "<logs>/4_represent/embed_cutouts/{survey}/{pretraining}/{shard}.log",
    benchmark:
        "<benchmarks>/4_represent/embed_cutouts/{survey}/{pretraining}/{shard}.tsv"
    group:
        batch_of("embed_cutouts")
    conda:
        "../../envs/network.yaml"
    threads: config["representation"]["threads"]
    resources:
        gpu=1,
        turn=1,
        mem_mb=escalate(8000),
        runtime=estimated("embed_cutouts"),
    params:
        code=code_of("embed_cutouts"),
        crop_size=config["representation"]["crop_size"],
        batch_size=config["representation"]["batch_size"],
        seed=config["representation"]["seed"],
        views=config["representation"]["views"],
    script:
        "../../scripts/4_represent/embed_cutouts.py"


rule import_representation:
    """Take each galaxy's representation from a table that the user gives."""
    input:
        table=given_representation,
        cutouts=lambda wildcards: each_shard(
            "<results>/2_cutouts/{survey}/{shard}.parquet", wildcards.survey
        ),
    output:
        representation="<results>/4_represent/{survey}/{pretraining}/representation.parquet",
        counts="<results>/4_represent/{survey}/{pretraining}/counts.json",
    log:
        "<logs>/4_represent/import_representation/{survey}/{pretraining}.log",
    benchmark:
        "<benchmarks>/4_represent/import_representation/{survey}/{pretraining}.tsv"
    wildcard_constraints:
        pretraining=one_of(GIVEN_TABLES),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 40000),
        runtime=estimated("import_representation"),
    params:
        code=code_of("import_representation"),
        stamp=lambda wildcards: users_stamp(given_representation(wildcards)),
        standardised=lambda wildcards: WEIGHTS[wildcards.pretraining].get("standardise", False),
    script:
        "../../scripts/4_represent/import_representation.py"


rule gather_representation:
    """Join the shards' representations into one file, in catalogue order."""
    input:
        shards=lambda wildcards: each_shard(
            "<results>/4_represent/{survey}/{pretraining}/shards/{shard}.parquet", **wildcards
        ),
    output:
        "<results>/4_represent/{survey}/{pretraining}/representation.parquet",
    log:
        "<logs>/4_represent/gather_representation/{survey}/{pretraining}.log",
    benchmark:
        "<benchmarks>/4_represent/gather_representation/{survey}/{pretraining}.tsv"
    wildcard_constraints:
        pretraining=rf"(?!(?:{one_of(GIVEN_TABLES)})/)[a-z0-9-]+",
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=escalate(2000),
        runtime=estimated("gather_representation"),
    params:
        code=code_of("gather_representation"),
    script:
        "../../scripts/4_represent/gather_representation.py"


rule unpack_representation:
    """Write the representation as one array, which searches map into memory."""
    input:
        representation="<results>/4_represent/{survey}/{pretraining}/representation.parquet",
    output:
        "<results>/4_represent/{survey}/{pretraining}/representation.npy",
    log:
        "<logs>/4_represent/unpack_representation/{survey}/{pretraining}.log",
    benchmark:
        "<benchmarks>/4_represent/unpack_representation/{survey}/{pretraining}.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=estimated("unpack_representation"),
    params:
        code=code_of("unpack_representation"),
    script:
        "../../scripts/4_represent/unpack_representation.py"


rule compress_representation:
    """Fit an incremental PCA to the representation, and compress it."""
    input:
        representation="<results>/4_represent/{survey}/{pretraining}/representation.parquet",
    output:
        compressed="<results>/4_represent/{survey}/{pretraining}/pca{components}.parquet",
        variance="<results>/4_represent/{survey}/{pretraining}/pca{components}.variance.csv",
        compressor="<results>/4_represent/{survey}/{pretraining}/pca{components}.npz",
    log:
        "<logs>/4_represent/compress_representation/{survey}/{pretraining}/pca{components}.log",
    benchmark:
        "<benchmarks>/4_represent/compress_representation/{survey}/{pretraining}/pca{components}.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: config["representation"]["threads"]
    resources:
        mem_mb=escalate(4000),
        runtime=estimated("compress_representation"),
    params:
        code=code_of("compress_representation"),
        batch_size=config["pca"]["batch_size"],
    script:
        "../../scripts/4_represent/compress_representation.py"


rule project_representation:
    """Place the galaxies of a sample on a plane by umap."""
    input:
        compressed=f"<results>/4_represent/{{survey}}/{{pretraining}}/pca{config['umap']['components']}.parquet",
        catalogue="<results>/1_catalogue/{survey}.parquet",
        votes=automated_votes,
    output:
        "<results>/4_represent/{survey}/{pretraining}/umap_{sample}.parquet",
    log:
        "<logs>/4_represent/project_representation/{survey}/{pretraining}/{sample}.log",
    benchmark:
        "<benchmarks>/4_represent/project_representation/{survey}/{pretraining}/{sample}.tsv"
    conda:
        "../../envs/represent.yaml"
    # With a fixed seed umap runs in one thread.
    threads: 1
    resources:
        mem_mb=memory(16000, 1000),
        runtime=estimated("project_representation"),
    params:
        code=code_of("project_representation"),
        fractions=lambda wildcards: config["umap"]["samples"][wildcards.sample]["fractions"],
        threshold=config["umap"]["threshold"],
        most=config["umap"]["most"],
        n_neighbors=config["umap"]["n_neighbors"],
        min_dist=config["umap"]["min_dist"],
        seed=config["umap"]["seed"],
    script:
        "../../scripts/4_represent/project_representation.py"


rule probe_representations:
    """Measure how well representations predict labels that no network was trained on."""
    input:
        representations=expand(
            "<results>/4_represent/{{survey}}/{pretraining}/pca{components}.parquet",
            pretraining=config["probe"]["pretrainings"],
            components=config["probe"]["components"],
        ),
        descriptions=expand(
            "<results>/3_pretrain/{pretraining}/encoder.json",
            pretraining=config["probe"]["pretrainings"],
        ),
        catalogue="<results>/1_catalogue/{survey}.parquet",
    output:
        "<results>/4_represent/{survey}/probe.csv",
    log:
        "<logs>/4_represent/probe_representations/{survey}.log",
    benchmark:
        "<benchmarks>/4_represent/probe_representations/{survey}.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=escalate(60),
    params:
        code=code_of("probe_representations"),
        pretrainings=config["probe"]["pretrainings"],
        survey=lambda wildcards: wildcards.survey,
        labels=lambda wildcards: labels_of(wildcards.survey),
        folds=config["probe"]["folds"],
        repeats=config["probe"]["repeats"],
        seed=config["probe"]["seed"],
    script:
        "../../scripts/4_represent/probe_representations.py"


use rule probe_representations as probe_shipped with:
    input:
        representations=expand(
            f"<results>/4_represent/{PRETRAINED_ON}/{{pretraining}}/pca{{components}}.parquet",
            pretraining=["random", JUDGED],
            components=config["probe"]["components"],
        ),
        descriptions=expand(
            "<results>/3_pretrain/{pretraining}/encoder.json", pretraining=["random", JUDGED]
        ),
        catalogue=f"<results>/1_catalogue/{PRETRAINED_ON}.parquet",
    output:
        "<results>/shipped/probe.csv",
    log:
        "<logs>/4_represent/probe_shipped.log",
    benchmark:
        "<benchmarks>/4_represent/probe_shipped.tsv"
    params:
        pretrainings=["random", JUDGED],
        survey=PRETRAINED_ON,
        labels=labels_of(PRETRAINED_ON),


rule probes:
    """Target: how well representations predict labels that no network was trained on."""
    input:
        expand("<results>/4_represent/{survey}/probe.csv", survey=config["probe"]["surveys"]),


rule representation:
    """Target: the representations of the surveys that the figures show, and their components."""
    input:
        [
            each_shard(
                "<results>/4_represent/{survey}/{pretraining}/shards/{shard}.parquet",
                survey,
                pretraining=PRETRAINING,
            )
            for survey in IN_FIGURES
            if PRETRAINING not in GIVEN_TABLES
        ],
        expand(
            "<results>/4_represent/{survey}/{pretraining}/pca{components}.parquet",
            survey=IN_FIGURES,
            pretraining=PRETRAINING,
            components=config["pca"]["components"],
        ),
        # The web page searches this file.
        f"<results>/4_represent/{SHOWN}/{PRETRAINING}/representation.npy",
