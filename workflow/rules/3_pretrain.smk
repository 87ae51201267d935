# The encoders: weights of EfficientNetB0 and what must be known to use them.
# Reads: weights named by config, if any. Writes: <results>/3_pretrain/{pretraining}/*.
# Paper: Sec. 2.2.


rule make_random_encoder:
    """Draw random weights: what an encoder is before any pretraining."""
    input:
        code=lib("encoder"),
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
        size=config["representation"]["crop_size"],
        seed=config["pretraining"]["seed"],
    script:
        "../../scripts/make_random_encoder.py"


rule copy_encoder:
    """Take the weights that config names, after checking that they fit the network."""
    input:
        weights=lambda wildcards: config["pretraining"]["weights"].get(
            wildcards.pretraining,
            f"pretraining.weights has no '{wildcards.pretraining}'",
        ),
        code=lib("encoder"),
    output:
        weights="<results>/3_pretrain/{pretraining}/encoder.weights.h5",
        description="<results>/3_pretrain/{pretraining}/encoder.json",
    log:
        "<logs>/3_pretrain/copy_encoder/{pretraining}.log",
    benchmark:
        "<benchmarks>/3_pretrain/copy_encoder/{pretraining}.tsv"
    wildcard_constraints:
        pretraining="(?!random$)[a-z0-9-]+",
    conda:
        "../../envs/network.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=escalate(10),
    params:
        size=config["representation"]["crop_size"],
    script:
        "../../scripts/copy_encoder.py"
