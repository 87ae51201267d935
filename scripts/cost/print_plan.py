"""Print what the workflow would take, by stage."""

from workflow.lib.logs import log_to
from workflow.lib.plan import print_plan

log_to(snakemake.log[0])
print_plan(snakemake.params.config, snakemake.params.snakemake)
