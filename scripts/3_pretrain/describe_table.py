"""Describe a table of representations, which comes without an encoder."""

from workflow.lib.common.jobs import start_job
from workflow.lib.network.encoder import describe_table

start_job(snakemake.log[0], snakemake.input)
describe_table(snakemake.params.table, snakemake.output[0])
