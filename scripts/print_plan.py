"""Print what the workflow would take, by stage."""

from workflow.lib.plan import print_plan

print_plan(snakemake.params.config, snakemake.params.snakemake)
