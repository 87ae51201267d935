# What the whole workflow would take on a cluster, before anything runs.
# Reads: nothing but the configuration. Writes: nothing.
import sys


localrules:
    print_plan,
    cost,


rule print_plan:
    """Print jobs, submissions, hours and disk of each stage, as estimated."""
    output:
        temp(touch("<results>/cost.printed")),
    log:
        "<logs>/print_plan.log",
    benchmark:
        "<benchmarks>/print_plan.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(10),
    params:
        code=code_of("print_plan"),
        config=config,
        # A conda environment has no Snakemake.
        snakemake=[sys.executable, "-m", "snakemake"],
    script:
        "../../scripts/cost/print_plan.py"


rule cost:
    """Target: what each stage would take, printed."""
    input:
        rules.print_plan.output,
