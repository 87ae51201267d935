"""Write the images of labelled galaxies to one array."""

from workflow.lib.common.jobs import start_job
from workflow.lib.finetune.labels import gather_labelled

start_job(snakemake.log[0], snakemake.input)
gather_labelled(
    snakemake.input.shards,
    snakemake.input.labels,
    snakemake.output[0],
    channels=int(snakemake.wildcards.channels),
)
