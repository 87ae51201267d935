"""Put a survey's grey images into one array, for training."""

from workflow.lib.common.jobs import start_job
from workflow.lib.cutouts.shards import gather_images

start_job(snakemake.log[0], snakemake.input)
gather_images(snakemake.input.shards, snakemake.output.images, snakemake.output.names)
