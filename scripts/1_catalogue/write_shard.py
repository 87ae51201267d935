"""Write the galaxies of one shard."""

from workflow.lib.catalogue.shards import write_shard
from workflow.lib.common.jobs import start_job

start_job(snakemake.log[0], snakemake.input)
write_shard(snakemake.input.catalogue, snakemake.output[0])
