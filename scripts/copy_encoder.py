"""Take the weights that config names, after checking that they fit the network."""

from workflow.lib.encoder import load_encoder, save_encoder
from workflow.lib.logs import log_to

log_to(snakemake.log[0])
encoder, description = load_encoder(snakemake.input.weights, snakemake.params.size)
save_encoder(
    encoder,
    snakemake.output.weights,
    label=description["label"],
    trained=description["trained"],
    seed=description["seed"],
)
