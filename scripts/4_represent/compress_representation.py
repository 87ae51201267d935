"""Fit an incremental PCA to the representation, and compress it."""

from workflow.lib.common.logs import log_to
from workflow.lib.represent.pca import compress

log_to(snakemake.log[0])
compress(
    snakemake.input.representation,
    int(snakemake.wildcards.components),
    snakemake.params.batch_size,
    compressed=snakemake.output.compressed,
    variance=snakemake.output.variance,
    compressor=snakemake.output.compressor,
)
