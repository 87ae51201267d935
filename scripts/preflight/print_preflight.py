"""Print what a run would lack, a line each."""

from workflow.lib.common.jobs import start_job
from workflow.lib.preflight.target import print_preflight

start_job(snakemake.log[0], snakemake.input)
print_preflight(snakemake.params.config, snakemake.params.snakemake)
