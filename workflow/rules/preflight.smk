# Checks what a run needs, before its first job: files, columns, weights, disk, GPUs, contact.
# Reads: the configuration, the tables' headers, the network. Writes: no results.
include: "inputs/preflight.smk"


localrules:
    print_preflight,
    preflight,
    print_gpu,
    gpu_check,


rule print_preflight:
    """Print a line for each thing that a run would lack."""
    output:
        temp(touch("<results>/preflight.printed")),
    log:
        "<logs>/print_preflight.log",
    benchmark:
        "<benchmarks>/print_preflight.tsv"
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=escalate(2000),
        runtime=escalate(10),
    params:
        code=code_of("print_preflight"),
        config=config,
        snakemake=SNAKEMAKE,
    script:
        "../../scripts/preflight/print_preflight.py"


rule measure_gpu:
    """Train and embed for a minute, as a test of a GPU."""
    output:
        temp("<results>/gpu_check.json"),
    log:
        "<logs>/measure_gpu.log",
    benchmark:
        "<benchmarks>/measure_gpu.tsv"
    conda:
        "../../envs/network.yaml"
    threads: config["representation"]["threads"]
    resources:
        gpu=1,
        mem_mb=escalate(16000),
        runtime=escalate(15),
    params:
        code=code_of("measure_gpu"),
        config=config,
    script:
        "../../scripts/preflight/measure_gpu.py"


rule print_gpu:
    """Print the speed of a GPU, and what the plan's hours become."""
    input:
        rules.measure_gpu.output,
    output:
        temp(touch("<results>/gpu_check.printed")),
    log:
        "<logs>/print_gpu.log",
    benchmark:
        "<benchmarks>/print_gpu.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(10),
    params:
        code=code_of("print_gpu"),
        config=config,
        snakemake=SNAKEMAKE,
    script:
        "../../scripts/preflight/print_gpu.py"


rule gpu_check:
    """Target: a minute on a GPU, its speed, and what the plan's hours become."""
    input:
        rules.print_gpu.output,


rule preflight:
    """Target: check all that a plain run needs, and run nothing."""
    input:
        rules.print_preflight.output,
        # On a cluster also a minute on a GPU node.
        rules.print_gpu.output if given_partition() else [],
