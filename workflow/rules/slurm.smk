# A correction of Snakemake's Slurm plugin (2.8), which waits indefinitely for a job that was cancelled
# or preempted. It does not recognise sacct's `CANCELLED by 1000`, and it expects Slurm to requeue
# preempted jobs, which Slurm does not do if the profile sets `slurm-no-requeue`.


def with_ended(ask):
    """Make a query of job states report both as CANCELLED, so that Snakemake retries the jobs."""

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
