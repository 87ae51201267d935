"""Put the images of labelled galaxies into one array."""

from workflow.lib.labels import gather_labelled
from workflow.lib.logs import log_to

log_to(snakemake.log[0])
gather_labelled(
    snakemake.input.shards,
    snakemake.input.labels,
    snakemake.output[0],
    channels=int(snakemake.wildcards.channels),
)
