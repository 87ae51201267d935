# Checks what a run needs, before its first job: files, columns, weights, disk, GPUs, contact.
# Reads: the configuration, the tables' headers, the network. Writes: no results.
import shlex
import sys


include: "inputs/preflight.smk"


localrules:
    print_preflight,
    preflight,


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
        # Snakemake is not in the conda environment of this rule.
        snakemake=[*shlex.split(sys.executable), "-m", "snakemake"],
    script:
        "../../scripts/preflight/print_preflight.py"


rule preflight:
    """Target: check all that a plain run needs, and run nothing."""
    input:
        rules.print_preflight.output,
