"""Show tables of one kind as a web page, for the report."""

from workflow.lib.common.logs import log_to
from workflow.lib.figures.html import show_tables

log_to(snakemake.log[0])
show_tables(
    dict(zip(snakemake.params.headings, snakemake.input.tables, strict=True)),
    snakemake.params.title,
    snakemake.output[0],
)
