"""Draw random weights: an encoder without any pretraining."""

from workflow.lib.common.jobs import start_job
from workflow.lib.network.encoder import random_encoder, save_encoder

start_job(snakemake.log[0], snakemake.input)
seed = snakemake.params.seed
save_encoder(
    random_encoder(snakemake.params.size, seed),
    snakemake.output.weights,
    label=f"random weights (seed {seed}): no galaxy has shaped this representation",
    training=None,
    seed=seed,
)
