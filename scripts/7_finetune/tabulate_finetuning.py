"""Write a table of all models of a task, and one of the time that they took."""

from workflow.lib.common.jobs import start_job
from workflow.lib.finetune.tabulate import tabulate

start_job(snakemake.log[0], snakemake.input)
tabulate(snakemake.input.runs, snakemake.output.models, snakemake.output.costs)
