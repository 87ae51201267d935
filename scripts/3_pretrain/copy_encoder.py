"""Copy the weights that config names, after checking that they fit the network."""

from workflow.lib.common.logs import log_to
from workflow.lib.pretrain.released_weights import copy_encoder

log_to(snakemake.log[0])
copy_encoder(
    snakemake.input.weights,
    snakemake.output.weights,
    snakemake.output.head,
    size=snakemake.params.size,
    survey=snakemake.params.survey,
    questions=snakemake.params.questions,
)
