"""Write the shown encoder in half precision, with its recipe and its scores, to give to others."""

from workflow.lib.common.jobs import start_job
from workflow.lib.pretrain.ship import ship_encoder

start_job(snakemake.log[0], snakemake.input)
ship_encoder(
    snakemake.input.weights,
    snakemake.input.head,
    snakemake.input.evaluation,
    snakemake.input.probe,
    pretraining=snakemake.params.pretraining,
    recipe=snakemake.params.recipe,
    shipped=snakemake.output.weights,
    shipped_head=snakemake.output.head,
)
