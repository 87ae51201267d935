# Estimates what the whole workflow takes on a cluster, before anything runs.
# Reads: only the configuration. Writes: no results.
localrules:
    print_plan,
    cost,


rule print_plan:
    """Print the estimated jobs, submissions, hours and disk of each stage."""
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
        snakemake=SNAKEMAKE,
    script:
        "../../scripts/cost/print_plan.py"


rule cost:
    """Target: print the estimates for each stage."""
    input:
        rules.print_plan.output,
