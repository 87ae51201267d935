"""Put all models of a task into one table, and what they took into another."""

from workflow.lib.common.logs import log_to
from workflow.lib.finetune.tabulate import tabulate

log_to(snakemake.log[0])
tabulate(snakemake.input.runs, snakemake.output.models, snakemake.output.costs)
