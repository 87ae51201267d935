# What Slurm's plugin (2.8) leaves out: for a job that was cancelled or preempted it waits for ever.
# It does not know sacct's `CANCELLED by 1000`, and leaves preempted jobs to Slurm, which does not run
# them again where the profile says `slurm-no-requeue`.


def with_ended(ask):
    """Have a query for the states of jobs call both CANCELLED, so that Snakemake retries them."""

    def ended(state):
        return state.partition(" ")[0].replace("PREEMPTED", "CANCELLED")

    async def query_job_status(command, logger):
        states, seconds = await ask(command, logger)
        return states and {job: ended(state) for job, state in states.items()}, seconds

    return query_job_status


onstart:
    if getattr(workflow.executor_settings, "no_requeue", False):
        import snakemake_executor_plugin_slurm as plugin

        plugin.query_job_status = with_ended(plugin.query_job_status)
