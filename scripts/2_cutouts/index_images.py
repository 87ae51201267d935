"""List the images in a survey's folders and zips."""

from workflow.lib.common.logs import log_to
from workflow.lib.cutouts.image_index import index_images

log_to(snakemake.log[0])
index_images(snakemake.input, snakemake.output[0])
