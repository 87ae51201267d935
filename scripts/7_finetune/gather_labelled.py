"""Write the images of labelled galaxies to one array."""

from workflow.lib.common.logs import log_to
from workflow.lib.finetune.labels import gather_labelled

log_to(snakemake.log[0])
gather_labelled(
    snakemake.input.shards,
    snakemake.input.labels,
    snakemake.output[0],
    channels=int(snakemake.wildcards.channels),
)
