"""Put all models of a task into one table, and what they took into another."""

from workflow.lib.finetuned_table import tabulate
from workflow.lib.logs import log_to

log_to(snakemake.log[0])
tabulate(snakemake.input.runs, snakemake.output.models, snakemake.output.costs)
