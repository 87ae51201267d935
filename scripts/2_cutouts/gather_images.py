"""Put a survey's grey images into one array, for training."""

from workflow.lib.cutouts import gather_images
from workflow.lib.logs import log_to

log_to(snakemake.log[0])
gather_images(snakemake.input.shards, snakemake.output.images, snakemake.output.names)
