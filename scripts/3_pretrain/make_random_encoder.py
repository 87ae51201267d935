"""Draw random weights: an encoder without any pretraining."""

from workflow.lib.common.logs import log_to
from workflow.lib.network.encoder import random_encoder, save_encoder

log_to(snakemake.log[0])
seed = snakemake.params.seed
save_encoder(
    random_encoder(snakemake.params.size, seed),
    snakemake.output.weights,
    label=f"random weights (seed {seed}): no galaxy has shaped this representation",
    training=None,
    seed=seed,
)
