"""Fit nested ellipses to each galaxy of a shard: the features of the baseline."""

from workflow.lib.anomaly.ellipses import measure_shard
from workflow.lib.common.jobs import start_job

start_job(snakemake.log[0], snakemake.input)
measure_shard(snakemake.input.cutouts, snakemake.output[0], **snakemake.params.ellipses)
