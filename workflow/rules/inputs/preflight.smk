# What `onstart` checks, for preflight.smk.
from snakemake.logging import logger


def given_partition():
    """Tell whether a profile sends jobs to a cluster."""
    return "slurm_partition" in (workflow.resource_settings.default_resources or {})


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
