"""Join the shards' ellipses into one file, in catalogue order."""

from workflow.lib.logs import log_to
from workflow.lib.representation import gather_shards

log_to(snakemake.log[0])
gather_shards(snakemake.input.shards, snakemake.output[0])
