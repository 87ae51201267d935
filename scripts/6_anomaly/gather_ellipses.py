"""Join the shards' ellipses into one file, in catalogue order."""

from workflow.lib.common.jobs import start_job
from workflow.lib.represent.vector_files import gather_shards

start_job(snakemake.log[0], snakemake.input)
gather_shards(snakemake.input.shards, snakemake.output[0])
