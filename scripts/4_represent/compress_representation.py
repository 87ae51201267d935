"""Fit an incremental PCA to the representation, and compress it."""

from workflow.lib.common.jobs import start_job
from workflow.lib.represent.pca import compress

start_job(snakemake.log[0], snakemake.input)
compress(
    snakemake.input.representation,
    int(snakemake.wildcards.components),
    snakemake.params.batch_size,
    compressed=snakemake.output.compressed,
    variance=snakemake.output.variance,
    compressor=snakemake.output.compressor,
)
