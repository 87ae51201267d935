# Checks what a run needs, before its first job: files, columns, weights, disk, GPUs, contact.
# Reads: the configuration, the tables' headers, the network. Writes: no results.
import shlex
import sys

from snakemake.logging import logger


localrules:
    print_preflight,
    preflight,


def preflight_jobs():
    """List the jobs that this run will execute."""
    from workflow.lib.planning.plan import Job

    planned = list(workflow.dag.needrun_jobs())
    # Those of a rule all use GPUs, or none does. To evaluate resources for each would take seconds.
    gpus = {job.rule.name: job.resources.get("gpu", 0) for job in one_of_each_rule(planned)}
    return [
        Job(job.rule.name, "", dict(job.wildcards_dict), threads=1, gpus=gpus[job.rule.name])
        for job in planned
    ]


def one_of_each_rule(jobs):
    """Choose one job of each rule."""
    return {job.rule.name: job for job in jobs}.values()


def preflight_machine():
    """Say where this run's jobs will be."""
    from workflow.lib.preflight.check import Machine

    if workflow.executor_plugin.name != "slurm":
        given = workflow.global_resources
        return Machine(gpus=int(given["gpu"].value) if "gpu" in given else 0)
    asked = [
        job.resources
        for job in one_of_each_rule(workflow.dag.needrun_jobs())
        if not (job.is_local or job.is_norun)
    ]
    return Machine(
        accounts={resources.get("slurm_account") for resources in asked},
        partitions={
            (partition, f"gpu:{model}:" if (model := resources.get("gpu_model")) else "")
            for resources in asked
            if (partition := resources.get("slurm_partition"))
        },
    )


def check_before_start():
    """Stop this run before its first job if something is missing, and say all that is."""
    from workflow.lib.preflight.check import check
    from workflow.lib.preflight.lines import is_problem

    try:
        lines = check(preflight_jobs(), config, preflight_machine())
    except UserError as error:
        raise WorkflowError(str(error)) from None
    for note in lines:
        if not is_problem(note):
            logger.info(note)
    if problems := [line for line in lines if is_problem(line)]:
        raise WorkflowError("Nothing was run, for something is missing:\n" + "\n".join(problems))


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
