"""Show tables of one kind as a web page, for the report."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.html import show_tables

start_job(snakemake.log[0], snakemake.input)
show_tables(
    dict(zip(snakemake.params.headings, snakemake.input.tables, strict=True)),
    snakemake.params.title,
    snakemake.output[0],
)
