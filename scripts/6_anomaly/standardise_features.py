"""Scale the features of a task's galaxies to mean 0 and variance 1."""

from workflow.lib.anomaly.candidates import standardise_features
from workflow.lib.common.jobs import start_job

start_job(snakemake.log[0], snakemake.input)
standardise_features(
    snakemake.input.features,
    snakemake.input.candidates,
    snakemake.output[0],
    components=snakemake.params.components,
    batch_size=snakemake.params.batch_size,
)
