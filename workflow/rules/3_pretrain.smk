# The encoders: EfficientNetB0 before and after training on volunteers' votes.
# Reads: <results>/1_catalogue/*, <results>/2_cutouts/*, weights named by config.
# Writes: <results>/3_pretrain/{pretraining}/*, evaluation.csv. Paper: Sec. 2.2, 4.2.
from workflow.lib.planning.grid import STAND_IN, has_network, task_of, weights_file


include: "inputs/3_pretrain.smk"


PRETRAINED_ON = config["pretraining"]["survey"]
WEIGHTS = config["pretraining"]["weights"]
STAND_INS = [name for name, path in WEIGHTS.items() if path == STAND_IN]
GIVEN_TABLES = [name for name, given in WEIGHTS.items() if not has_network(given)]
TRAINED_HERE = [name for name in config["pretraining"]["tasks"] if name not in WEIGHTS]
FINALS = {
    name: task for name, task in config["pretraining"]["finals"].items() if name not in WEIGHTS
}
ENCODERS = sorted({*config["pretraining"]["made"], PRETRAINING} - {*GIVEN_TABLES})
# Galaxies that `final` has not learned from are needed to judge it, so its task's network is.
JUDGED = FINALS.get(PRETRAINING, PRETRAINING)
EVALUATED = [name for name in config["pretraining"]["made"] if name in TRAINED_HERE]


rule make_random_encoder:
    """Draw random weights: an encoder without any pretraining."""
    output:
        weights="<results>/3_pretrain/random/encoder.weights.h5",
        description="<results>/3_pretrain/random/encoder.json",
    log:
        "<logs>/3_pretrain/make_random_encoder.log",
    benchmark:
        "<benchmarks>/3_pretrain/make_random_encoder.tsv"
    conda:
        "../../envs/network.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=escalate(10),
    params:
        code=code_of("make_random_encoder"),
        size=config["representation"]["crop_size"],
        seed=config["pretraining"]["seed"],
    script:
        "../../scripts/3_pretrain/make_random_encoder.py"


rule pretrain_encoder:
    """Train an encoder to predict the votes on one question or on all."""
    input:
        catalogue=f"<results>/1_catalogue/{PRETRAINED_ON}.parquet",
        images=f"<results>/2_cutouts/{PRETRAINED_ON}/images.npy",
        names=f"<results>/2_cutouts/{PRETRAINED_ON}/images.csv",
        follows=curve_to_follow,
    output:
        weights="<results>/3_pretrain/{pretraining}/encoder.weights.h5",
        description="<results>/3_pretrain/{pretraining}/encoder.json",
        head="<results>/3_pretrain/{pretraining}/head.npz",
        curve="<results>/3_pretrain/{pretraining}/learning_curve.csv",
    log:
        "<logs>/3_pretrain/pretrain_encoder/{pretraining}.log",
    benchmark:
        "<benchmarks>/3_pretrain/pretrain_encoder/{pretraining}.tsv"
    wildcard_constraints:
        pretraining=one_of([*TRAINED_HERE, *FINALS]),
    priority: 2  # Long jobs start early, so that none runs alone at the end.
    conda:
        "../../envs/network.yaml"
    threads: config["pretraining"]["threads"]
    resources:
        gpu=by_attempt(config["pretraining"]["gpus"]),
        mem_mb=escalate(32000),
        runtime=estimated("pretrain_encoder"),
    params:
        code=code_of("pretrain_encoder"),
        survey=PRETRAINED_ON,
        galaxies=(
            "simulated galaxies"
            if "simulation" in SURVEYS[PRETRAINED_ON]
            else f"galaxies of {PRETRAINED_ON}"
        ),
        questions=lambda wildcards: questions_of(wildcards.pretraining),
        first_question=dict([next(iter(config["pretraining"]["questions"].items()))]),
        min_votes=config["pretraining"]["min_votes"],
        concentrations=config["pretraining"]["concentrations"],
        crop_size=config["representation"]["crop_size"],
        split=config["pretraining"]["split"],
        recipe=recipe_of,
        seed=config["pretraining"]["seed"],
    script:
        "../../scripts/3_pretrain/pretrain_encoder.py"


rule pretrain_stand_in:
    """Train an encoder to classify procedural pictures, where ImageNet's weights are not available."""
    output:
        weights="<results>/3_pretrain/{pretraining}/encoder.weights.h5",
        description="<results>/3_pretrain/{pretraining}/encoder.json",
        curve="<results>/3_pretrain/{pretraining}/learning_curve.csv",
    log:
        "<logs>/3_pretrain/pretrain_stand_in/{pretraining}.log",
    benchmark:
        "<benchmarks>/3_pretrain/pretrain_stand_in/{pretraining}.tsv"
    wildcard_constraints:
        pretraining=one_of(STAND_INS),
    conda:
        "../../envs/network.yaml"
    threads: config["pretraining"]["threads"]
    resources:
        gpu=by_attempt(config["pretraining"]["gpus"]),
        mem_mb=escalate(16000),
        runtime=estimated("pretrain_stand_in"),
    params:
        code=code_of("pretrain_stand_in"),
        pictures=config["pretraining"]["stand_in"]["pictures"],
        network_size=config["cutouts"]["network_size"],
        crop_size=config["representation"]["crop_size"],
        recipe=recipe_of,
        seed=config["pretraining"]["seed"],
    script:
        "../../scripts/3_pretrain/pretrain_stand_in.py"


rule copy_encoder:
    """Copy the weights that config names, after checking that they fit the network."""
    input:
        weights=given_weights,
    output:
        weights="<results>/3_pretrain/{pretraining}/encoder.weights.h5",
        description="<results>/3_pretrain/{pretraining}/encoder.json",
        head="<results>/3_pretrain/{pretraining}/head.npz",
    log:
        "<logs>/3_pretrain/copy_encoder/{pretraining}.log",
    benchmark:
        "<benchmarks>/3_pretrain/copy_encoder/{pretraining}.tsv"
    wildcard_constraints:
        pretraining=one_of(set(WEIGHTS) - set(STAND_INS)),
    conda:
        "../../envs/network.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=escalate(10),
    params:
        code=code_of("copy_encoder"),
        size=config["representation"]["crop_size"],
        survey=PRETRAINED_ON,
        questions=config["pretraining"]["questions"],
    script:
        "../../scripts/3_pretrain/copy_encoder.py"


# Where its weights are needed, copy_encoder says that a table has none.
ruleorder: describe_table > copy_encoder


rule describe_table:
    """Describe a table of representations, which comes without an encoder."""
    output:
        "<results>/3_pretrain/{pretraining}/encoder.json",
    log:
        "<logs>/3_pretrain/describe_table/{pretraining}.log",
    benchmark:
        "<benchmarks>/3_pretrain/describe_table/{pretraining}.tsv"
    wildcard_constraints:
        pretraining=one_of(GIVEN_TABLES),
    conda:
        "../../envs/represent.yaml"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(10),
    params:
        code=code_of("describe_table"),
        table=lambda wildcards: WEIGHTS[wildcards.pretraining]["representation"],
    script:
        "../../scripts/3_pretrain/describe_table.py"


rule predict_votes:
    """Predict each galaxy's votes: the automated vote fractions."""
    input:
        cutouts=lambda wildcards: each_shard(
            "<results>/2_cutouts/{survey}/{shard}.parquet", **wildcards
        ),
        weights="<results>/3_pretrain/{pretraining}/encoder.weights.h5",
        description="<results>/3_pretrain/{pretraining}/encoder.json",
        head="<results>/3_pretrain/{pretraining}/head.npz",
    output:
        "<results>/3_pretrain/{pretraining}/votes/{survey}.parquet",
    log:
        "<logs>/3_pretrain/predict_votes/{pretraining}/{survey}.log",
    benchmark:
        "<benchmarks>/3_pretrain/predict_votes/{pretraining}/{survey}.tsv"
    conda:
        "../../envs/network.yaml"
    threads: config["representation"]["threads"]
    resources:
        gpu=1,
        mem_mb=escalate(8000),
        runtime=estimated("predict_votes"),
    params:
        code=code_of("predict_votes"),
        crop_size=config["representation"]["crop_size"],
        batch_size=config["representation"]["batch_size"],
        seed=config["representation"]["seed"],
        views=config["representation"]["views"],
    script:
        "../../scripts/3_pretrain/predict_votes.py"


rule evaluate_pretraining:
    """Compare each network's predicted votes with volunteers' votes, on held-out galaxies."""
    input:
        votes=expand(
            "<results>/3_pretrain/{pretraining}/votes/{survey}.parquet",
            pretraining=EVALUATED,
            survey=PRETRAINED_ON,
        ),
        catalogue=f"<results>/1_catalogue/{PRETRAINED_ON}.parquet",
    output:
        "<results>/3_pretrain/evaluation.csv",
    log:
        "<logs>/3_pretrain/evaluate_pretraining.log",
    benchmark:
        "<benchmarks>/3_pretrain/evaluate_pretraining.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=escalate(60),
    params:
        code=code_of("evaluate_pretraining"),
        pretrainings=EVALUATED,
        questions=config["pretraining"]["questions"],
    script:
        "../../scripts/3_pretrain/evaluate_pretraining.py"


use rule evaluate_pretraining as evaluate_shipped with:
    input:
        votes=[f"<results>/3_pretrain/{JUDGED}/votes/{PRETRAINED_ON}.parquet"],
        catalogue=f"<results>/1_catalogue/{PRETRAINED_ON}.parquet",
    output:
        "<results>/shipped/evaluation.csv",
    log:
        "<logs>/3_pretrain/evaluate_shipped.log",
    benchmark:
        "<benchmarks>/3_pretrain/evaluate_shipped.tsv"
    params:
        pretrainings=[JUDGED],


rule ship_encoder:
    """Write the shown encoder in half precision, with its recipe and its scores, to give to others."""
    input:
        weights=f"<results>/3_pretrain/{PRETRAINING}/encoder.weights.h5",
        description=f"<results>/3_pretrain/{PRETRAINING}/encoder.json",
        head=f"<results>/3_pretrain/{PRETRAINING}/head.npz",
        evaluation="<results>/shipped/evaluation.csv",
        probe="<results>/shipped/probe.csv",
    output:
        weights="<results>/shipped/encoder.weights.h5",
        description="<results>/shipped/encoder.json",
        head="<results>/shipped/head.npz",
    log:
        "<logs>/3_pretrain/ship_encoder.log",
    benchmark:
        "<benchmarks>/3_pretrain/ship_encoder.tsv"
    conda:
        "../../envs/network.yaml"
    threads: 1
    resources:
        mem_mb=escalate(2000),
        runtime=escalate(10),
    params:
        code=code_of("ship_encoder"),
        pretraining=JUDGED,
        recipe=lambda wildcards: recipe_to_ship(PRETRAINING),
    script:
        "../../scripts/3_pretrain/ship_encoder.py"


rule shipped:
    """Target: the shown encoder in half precision, to give to others."""
    input:
        rules.ship_encoder.output,


rule votes:
    """Target: the votes that the shown encoder predicts for the surveys that the figures show."""
    input:
        expand(
            "<results>/3_pretrain/{pretraining}/votes/{survey}.parquet",
            pretraining=PRETRAINING,
            survey=IN_FIGURES,
        ),


rule pretraining:
    """Target: the encoders that config compares, and how well they predict votes."""
    input:
        "<results>/3_pretrain/evaluation.csv" if EVALUATED else [],
        expand("<results>/3_pretrain/{pretraining}/encoder.weights.h5", pretraining=ENCODERS),
