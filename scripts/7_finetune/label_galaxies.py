"""Choose the galaxies that have a label, and those that clearly do not."""

from workflow.lib.common.jobs import start_job
from workflow.lib.finetune.labels import label_galaxies

start_job(snakemake.log[0], snakemake.input)
task = snakemake.params.task
label_galaxies(
    snakemake.input.catalogue,
    snakemake.input.shards,
    *snakemake.input.table,
    column=task["column"],
    above=task["above"],
    below=task["below"],
    cuts=task["cuts"],
    missing=task["missing"],
    labels=snakemake.output.labels,
    counts=snakemake.output.counts,
)
