"""Copy the weights that config names, after checking that they fit the network."""

from workflow.lib.common.jobs import start_job
from workflow.lib.pretrain.released_weights import copy_encoder

start_job(snakemake.log[0], snakemake.input)
copy_encoder(
    snakemake.input.weights,
    snakemake.output.weights,
    snakemake.output.head,
    size=snakemake.params.size,
    survey=snakemake.params.survey,
    questions=snakemake.params.questions,
)
