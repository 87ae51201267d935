# A pretrained encoder learns a label from few galaxies: the paper's grid, or a label of your own.
# Reads: <results>/1_catalogue/*, <results>/2_cutouts/*, <results>/3_pretrain/{pretraining}/*.
# Writes: <results>/7_finetune/{label}/*. Paper: Sec. 4.
from workflow.lib.planning.grid import (
    DEPTHS,
    FROZEN,
    SCRATCH,
    FinetuningRun,
    finetuning_runs,
    predicted_surveys,
    predicting_run,
)


include: "inputs/7_finetune.smk"


FINETUNING_TASK = config["finetune"]["task"]
FINETUNING_RUNS = finetuning_runs(config["finetune"])
FINETUNING_SETTINGS = {
    "crop_size": config["representation"]["crop_size"],
    **{
        key: config["finetune"][key]
        for key in [
            "split",
            "head",
            "batch_size",
            "stages",
            "frozen_views",
            "test_passes",
            "momentum",
            "precision",
        ]
    },
}
# A job has one run, or those of all sizes and repeats for one pretraining and depth.
ONE_RUN = "{label}/{pretraining}/{depth}/n{size}_r{repeat}"
ALONE = config["finetune"]["runs_of_a_job"] == "one"
FINETUNING_JOB = ONE_RUN if ALONE else "{label}/{pretraining}/{depth}"
RUNS_OF_A_JOB = (
    [ONE_RUN]
    if ALONE
    else expand(
        ONE_RUN,
        size=config["finetune"]["sizes"],
        repeat=range(config["finetune"]["repeats"]),
        allow_missing=True,
    )
)
PREDICTING_RUN = predicting_run(config["finetune"]).path


wildcard_constraints:
    label="|".join(config["finetune"]["labels"]),
    depth="|".join(depth.replace("+", r"\+") for depth in DEPTHS),
    size=r"\d+",


rule label_galaxies:
    """Choose the galaxies that have a label, and those that clearly do not."""
    input:
        catalogue=lambda wildcards: (
            f"<results>/1_catalogue/{label_of(wildcards)['survey']}.parquet"
        ),
        shards=lambda wildcards: each_shard(
            "<results>/2_cutouts/{survey}/{shard}.parquet", label_of(wildcards)["survey"]
        ),
        table=label_table_of,
    output:
        labels="<results>/7_finetune/{label}/labels.csv",
        counts="<results>/7_finetune/{label}/label_counts.json",
    log:
        "<logs>/7_finetune/label_galaxies/{label}.log",
    benchmark:
        "<benchmarks>/7_finetune/label_galaxies/{label}.tsv"
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=escalate(30),
    params:
        code=code_of("label_galaxies"),
        task=label_of,
        stamps=lambda wildcards: [*map(users_stamp, label_table_of(wildcards))],
    script:
        "../../scripts/7_finetune/label_galaxies.py"


rule gather_labelled:
    """Write the images of labelled galaxies to one array: grey, or with three channels."""
    input:
        shards=lambda wildcards: each_shard(
            "<results>/2_cutouts/{survey}/{shard}.parquet", label_of(wildcards)["survey"]
        ),
        labels="<results>/7_finetune/{label}/labels.csv",
    output:
        "<results>/7_finetune/{label}/images_{channels}.npy",
    log:
        "<logs>/7_finetune/gather_labelled/{label}_{channels}.log",
    benchmark:
        "<benchmarks>/7_finetune/gather_labelled/{label}_{channels}.tsv"
    wildcard_constraints:
        channels="1|3",
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=estimated("gather_labelled"),
    params:
        code=code_of("gather_labelled"),
    script:
        "../../scripts/7_finetune/gather_labelled.py"


rule finetune_encoder:
    """Train and score classifiers: an encoder's head, then the encoder down to a depth."""
    input:
        images=images_to_finetune,
        labels="<results>/7_finetune/{label}/labels.csv",
        weights=weights_to_finetune("encoder.weights.h5"),
        description=weights_to_finetune("encoder.json"),
    output:
        expand("<results>/7_finetune/{part}.json", part=RUNS_OF_A_JOB),
    log:
        f"<logs>/7_finetune/finetune_encoder/{FINETUNING_JOB}.log",
    benchmark:
        f"<benchmarks>/7_finetune/finetune_encoder/{FINETUNING_JOB}.tsv"
    priority: 1  # After pretraining the longest jobs.
    group:
        batch_of("finetune_encoder")
    conda:
        "../../envs/network.yaml"
    threads: config["finetune"]["threads"]
    resources:
        gpu=1,
        turn=1,
        mem_mb=escalate(32000),
        runtime=estimated("finetune_encoder"),
    params:
        code=code_of("finetune_encoder"),
        runs=runs_of_job,
        survey=lambda wildcards: label_of(wildcards)["survey"],
        settings=FINETUNING_SETTINGS,
    script:
        "../../scripts/7_finetune/finetune_encoder.py"


rule finetune_head:
    """Train and score heads on the representations of a table, which come without an encoder."""
    input:
        representation=lambda wildcards: (
            f"<results>/4_represent/{label_of(wildcards)['survey']}/{wildcards.pretraining}/"
            "representation.parquet"
        ),
        labels="<results>/7_finetune/{label}/labels.csv",
        description="<results>/3_pretrain/{pretraining}/encoder.json",
    output:
        expand(
            "<results>/7_finetune/{{label}}/{{pretraining}}/{{depth}}/n{size}_r{repeat}.json",
            size=config["finetune"]["sizes"],
            repeat=range(config["finetune"]["repeats"]),
        ),
    log:
        "<logs>/7_finetune/finetune_head/{label}/{pretraining}/{depth}.log",
    benchmark:
        "<benchmarks>/7_finetune/finetune_head/{label}/{pretraining}/{depth}.tsv"
    wildcard_constraints:
        depth=FROZEN,
    conda:
        "../../envs/network.yaml"
    threads: config["finetune"]["threads"]
    resources:
        mem_mb=escalate(8000),
        runtime=escalate(240),
    params:
        code=code_of("finetune_head"),
        runs=runs_of_job,
        survey=lambda wildcards: label_of(wildcards)["survey"],
        settings=FINETUNING_SETTINGS,
    script:
        "../../scripts/7_finetune/finetune_head.py"


rule keep_classifier:
    """Repeat one run, and keep its network and the galaxies of its sets."""
    input:
        images=images_to_finetune,
        labels="<results>/7_finetune/{label}/labels.csv",
        weights=weights_to_finetune("encoder.weights.h5"),
        description=weights_to_finetune("encoder.json"),
    output:
        metrics="<results>/7_finetune/{label}/{pretraining}/{depth}/n{size}_r{repeat}/run.json",
        weights="<results>/7_finetune/{label}/{pretraining}/{depth}/n{size}_r{repeat}/encoder.weights.h5",
        description="<results>/7_finetune/{label}/{pretraining}/{depth}/n{size}_r{repeat}/encoder.json",
        head="<results>/7_finetune/{label}/{pretraining}/{depth}/n{size}_r{repeat}/classifier.npz",
        split="<results>/7_finetune/{label}/{pretraining}/{depth}/n{size}_r{repeat}/split.csv",
    log:
        "<logs>/7_finetune/keep_classifier/{label}/{pretraining}/{depth}/n{size}_r{repeat}.log",
    benchmark:
        "<benchmarks>/7_finetune/keep_classifier/{label}/{pretraining}/{depth}/n{size}_r{repeat}.tsv"
    conda:
        "../../envs/network.yaml"
    threads: config["finetune"]["threads"]
    resources:
        gpu=1,
        mem_mb=escalate(32000),
        runtime=estimated("keep_classifier"),
    params:
        code=code_of("keep_classifier"),
        runs=lambda wildcards: [seeded_run(wildcards, wildcards.size, wildcards.repeat)],
        survey=lambda wildcards: label_of(wildcards)["survey"],
        settings=FINETUNING_SETTINGS,
    script:
        "../../scripts/7_finetune/keep_classifier.py"


rule predict_labels:
    """Apply a kept classifier to every galaxy of a survey."""
    input:
        cutouts=lambda wildcards: each_shard(
            "<results>/2_cutouts/{survey}/{shard}.parquet", wildcards.survey
        ),
        weights="<results>/7_finetune/{label}/{run}/encoder.weights.h5",
        description="<results>/7_finetune/{label}/{run}/encoder.json",
        head="<results>/7_finetune/{label}/{run}/classifier.npz",
        split="<results>/7_finetune/{label}/{run}/split.csv",
    output:
        "<results>/7_finetune/{label}/{run}/predictions/{survey}.parquet",
    log:
        "<logs>/7_finetune/predict_labels/{label}/{run}/{survey}.log",
    benchmark:
        "<benchmarks>/7_finetune/predict_labels/{label}/{run}/{survey}.tsv"
    wildcard_constraints:
        run=r"[a-z0-9-]+/[a-z0-9+]+/n\d+_r\d+",
    conda:
        "../../envs/network.yaml"
    threads: config["representation"]["threads"]
    resources:
        gpu=1,
        mem_mb=escalate(8000),
        runtime=estimated("predict_labels"),
    params:
        code=code_of("predict_labels"),
        survey=lambda wildcards: label_of(wildcards)["survey"],
        crop_size=config["representation"]["crop_size"],
        batch_size=config["representation"]["batch_size"],
        seed=config["representation"]["seed"],
        views=config["representation"]["views"],
    script:
        "../../scripts/7_finetune/predict_labels.py"


rule tabulate_finetuning:
    """Write a table of all models of a task, and one of the time that they took."""
    input:
        runs=lambda wildcards: [
            f"<results>/7_finetune/{wildcards.label}/{run.path}.json" for run in FINETUNING_RUNS
        ],
    output:
        models="<results>/7_finetune/{label}/models.csv",
        costs="<results>/7_finetune/{label}/costs.csv",
    log:
        "<logs>/7_finetune/tabulate_finetuning/{label}.log",
    benchmark:
        "<benchmarks>/7_finetune/tabulate_finetuning/{label}.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=escalate(2000),
        runtime=escalate(10),
    params:
        code=code_of("tabulate_finetuning"),
    script:
        "../../scripts/7_finetune/tabulate_finetuning.py"


rule finetuning:
    """Target: tables of all models of 'finetune.task' and of the time that they took."""
    input:
        f"<results>/7_finetune/{FINETUNING_TASK}/models.csv",
        f"<results>/7_finetune/{FINETUNING_TASK}/costs.csv",


rule predictions:
    """Target: the output of the classifier in 'finetune.predict' for each galaxy."""
    input:
        [
            f"<results>/7_finetune/{FINETUNING_TASK}/{PREDICTING_RUN}/predictions/{survey}.parquet"
            for survey in predicted_surveys(config["finetune"])
        ],
