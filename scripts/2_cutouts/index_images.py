"""List the images in a survey's folders and zips."""

from workflow.lib.common.jobs import start_job
from workflow.lib.cutouts.image_index import index_images

start_job(snakemake.log[0], snakemake.input)
index_images(snakemake.input, snakemake.output[0])
