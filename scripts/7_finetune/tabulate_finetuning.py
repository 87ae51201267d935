"""Write a table of all models of a task, and one of the time that they took."""

from workflow.lib.common.logs import log_to
from workflow.lib.finetune.tabulate import tabulate

log_to(snakemake.log[0])
tabulate(snakemake.input.runs, snakemake.output.models, snakemake.output.costs)
