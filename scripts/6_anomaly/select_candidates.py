"""Select a task's galaxies, and mark those that are anomalies."""

from workflow.lib.anomaly.candidates import select_candidates
from workflow.lib.common.jobs import start_job

start_job(snakemake.log[0], snakemake.input)
task = snakemake.params.task
select_candidates(
    snakemake.input.catalogue,
    snakemake.input.features,
    snakemake.output.candidates,
    snakemake.output.counts,
    label=task["label"],
    above=task["above"],
    share=task["share"],
    votes=task["votes"],
    min_votes=task["min_votes"],
    filters=task["filters"],
)
