# Corrections of Snakemake (9.27) and of its Slurm plugin (2.8).
from snakemake.scheduling.job_scheduler import JobScheduler


def if_limited(plan):
    """Plan another look at the jobs only if the last one started as many as it was allowed to.

    Snakemake plans one for a second after every look, so each job that ends adds one look a second
    for the rest of the run: after some hundred jobs it does little else.
    """

    def plan_if_limited(scheduler, delay):
        limiter = scheduler.job_rate_limiter
        if limiter is None or len(limiter._jobs) >= limiter.max_jobs:
            plan(scheduler, delay)

    return plan_if_limited


JobScheduler._schedule_reevalutation = if_limited(JobScheduler._schedule_reevalutation)


def with_ended(ask):
    """Make a query of job states report cancelled and preempted jobs as CANCELLED.

    Otherwise the plugin waits indefinitely for them, where Snakemake should retry them. It does not
    recognise sacct's `CANCELLED by 1000`, and it expects Slurm to requeue preempted jobs, which
    Slurm does not do if the profile sets `slurm-no-requeue`.
    """

    def ended(state):
        return state.partition(" ")[0].replace("PREEMPTED", "CANCELLED")

    async def query_job_status(command, logger):
        states, seconds = await ask(command, logger)
        return states and {job: ended(state) for job, state in states.items()}, seconds

    return query_job_status


def correct_slurm():
    """Correct the plugin if this run submits jobs that Slurm does not requeue."""
    if getattr(workflow.executor_settings, "no_requeue", False):
        import snakemake_executor_plugin_slurm as plugin

        plugin.query_job_status = with_ended(plugin.query_job_status)
