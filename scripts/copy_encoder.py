"""Take the weights that config names, after checking that they fit the network."""

from workflow.lib.encoder import copy_encoder
from workflow.lib.logs import log_to

log_to(snakemake.log[0])
copy_encoder(
    snakemake.input.weights,
    snakemake.output.weights,
    snakemake.output.head,
    size=snakemake.params.size,
)
