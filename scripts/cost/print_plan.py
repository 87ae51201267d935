"""Print the estimated jobs, hours and disk of each stage."""

from workflow.lib.common.logs import log_to
from workflow.lib.planning.plan import print_plan

log_to(snakemake.log[0])
print_plan(snakemake.params.config, snakemake.params.snakemake)
