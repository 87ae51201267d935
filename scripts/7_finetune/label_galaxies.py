"""Choose the galaxies that have a label, and those that clearly do not."""

from workflow.lib.common.logs import log_to
from workflow.lib.finetune.labels import label_galaxies

log_to(snakemake.log[0])
task = snakemake.params.task
label_galaxies(
    snakemake.input.catalogue,
    snakemake.input.shards,
    column=task["column"],
    above=task["above"],
    below=task["below"],
    cuts=task["cuts"],
    missing=task["missing"],
    labels=snakemake.output.labels,
    counts=snakemake.output.counts,
)
