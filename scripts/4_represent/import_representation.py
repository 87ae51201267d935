"""Take each galaxy's representation from a table that the user gives."""

from workflow.lib.common.jobs import start_job
from workflow.lib.represent.given_table import import_representation

start_job(snakemake.log[0], snakemake.input)
import_representation(
    snakemake.input.table,
    snakemake.input.cutouts,
    snakemake.output.representation,
    snakemake.output.counts,
    standardised=snakemake.params.standardised,
)
