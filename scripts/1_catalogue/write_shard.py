"""Write the galaxies of one shard."""

from workflow.lib.catalogue.shards import write_shard
from workflow.lib.common.logs import log_to

log_to(snakemake.log[0])
write_shard(snakemake.input.catalogue, snakemake.output[0])
