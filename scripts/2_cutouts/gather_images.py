"""Put a survey's grey images into one array, for training."""

from workflow.lib.common.logs import log_to
from workflow.lib.cutouts.shards import gather_images

log_to(snakemake.log[0])
gather_images(snakemake.input.shards, snakemake.output.images, snakemake.output.names)
