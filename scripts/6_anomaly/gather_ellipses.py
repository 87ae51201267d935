"""Join the shards' ellipses into one file, in catalogue order."""

from workflow.lib.common.logs import log_to
from workflow.lib.represent.vector_files import gather_shards

log_to(snakemake.log[0])
gather_shards(snakemake.input.shards, snakemake.output[0])
