# Resources of jobs: memory, time and GPUs, more with each attempt; and groups of small jobs.


from workflow.lib.network.devices import give_gpus


resource_scopes:
    turn="local",


# Requests to servers that are in flight at once, over all jobs; `--resources http=2` sets another limit.
if "http" not in workflow.global_resources:
    workflow.register_resource("http", config["legacysurvey"]["parallel"])


# Jobs that are given GPUs stop if they see none.
if "gpu" in workflow.global_resources:
    give_gpus(workflow.global_resources["gpu"].value)


def escalate(first):
    """Ask for `first` of a resource, twice that in the second attempt, and so on."""
    return lambda wildcards, attempt: first * attempt


def by_attempt(values):
    """Ask for the first value in the first attempt, the next in the next; in the end the last."""
    return lambda wildcards, attempt: values[min(attempt, len(values)) - 1]


def memory(first, million):
    """Ask for `first` MB and `million` MB more for each million galaxies of a job's survey."""

    def ask(wildcards, attempt):
        survey = wildcards.get("survey") or TASKS[wildcards.task].survey
        return attempt * round(first + million * COST.galaxies_of(survey) / 1e6)

    return ask


def estimated(rule):
    """Ask for the estimated time of a job, twice that in the second attempt, and so on."""
    return lambda wildcards, attempt: COST.minutes(rule, dict(wildcards.items()), attempt)


def batch_of(rule):
    """Put the small jobs of a rule into batches, each of which is one submission."""

    def name(wildcards):
        # Groups slow planning, so they are made only for a profile that asks for them.
        if "batch" not in workflow.group_settings.group_components:
            return None
        batch = COST.batch(rule, dict(wildcards.items()))
        if batch:
            # Snakemake sets the parent of groups named by wildcards. Set it here too: the profile's
            # `group-components` then counts for all batches. Otherwise Snakemake joins only jobs
            # that depend on each other.
            workflow.parent_groupids[batch] = "batch"
        return batch

    return name
