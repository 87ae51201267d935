"""Fit nested ellipses to each galaxy of a shard: the features of the baseline."""

from workflow.lib.anomaly.ellipses import measure_shard
from workflow.lib.common.logs import log_to

log_to(snakemake.log[0])
measure_shard(snakemake.input.cutouts, snakemake.output[0], **snakemake.params.ellipses)
