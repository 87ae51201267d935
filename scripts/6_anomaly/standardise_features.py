"""Scale the features of a task's galaxies to mean 0 and variance 1."""

from workflow.lib.anomaly.candidates import standardise_features
from workflow.lib.common.logs import log_to

log_to(snakemake.log[0])
standardise_features(
    snakemake.input.features,
    snakemake.input.candidates,
    snakemake.output[0],
    components=snakemake.params.components,
    batch_size=snakemake.params.batch_size,
)
