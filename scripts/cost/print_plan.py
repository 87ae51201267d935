"""Print the estimated jobs, hours and disk of each stage."""

from workflow.lib.common.jobs import start_job
from workflow.lib.planning.plan import print_plan

start_job(snakemake.log[0], snakemake.input)
print_plan(snakemake.params.config, snakemake.params.snakemake)
