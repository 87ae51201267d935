"""Measure how many of the galaxies nearest to each anomaly in a plane are anomalies too."""

from workflow.lib.anomaly.grouping import measure_grouping
from workflow.lib.common.jobs import start_job

start_job(snakemake.log[0], snakemake.input)
measure_grouping(
    dict(zip(snakemake.params.methods, snakemake.input.positions, strict=True)),
    snakemake.input.candidates,
    snakemake.output[0],
    first=snakemake.params.first,
)
