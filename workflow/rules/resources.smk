# What jobs ask for: memory, time and GPUs, more with each attempt, and small jobs together.


resource_scopes:
    turn="local",


def escalate(first):
    """Ask for `first` of a resource, and for as much again with each attempt."""
    return lambda wildcards, attempt: first * attempt


def by_attempt(values):
    """Ask for the first value, with each attempt for the next, and then for the last."""
    return lambda wildcards, attempt: values[min(attempt, len(values)) - 1]


def memory(first, million):
    """Ask for `first` MB, and for so many more for each million galaxies of a job's survey."""

    def ask(wildcards, attempt):
        survey = wildcards.get("survey") or TASKS[wildcards.task].survey
        return attempt * round(first + million * COST.galaxies_of(survey) / 1e6)

    return ask


def estimated(rule):
    """Ask for the time that a job is estimated to take, and for as much again with each attempt."""
    return lambda wildcards, attempt: COST.minutes(rule, dict(wildcards.items()), attempt)


def batch_of(rule):
    """Group the small jobs of a rule, so that those of a batch share one submission."""

    def name(wildcards):
        # Groups cost time to plan, so there are none but by a profile that wants them.
        if "batch" not in workflow.group_settings.group_components:
            return None
        batch = COST.batch(rule, dict(wildcards.items()))
        if batch:
            # As for a group that is named by wildcards, so that the profile's `group-components`
            # holds for all: else Snakemake joins only jobs that depend on each other.
            workflow.parent_groupids[batch] = "batch"
        return batch

    return name
