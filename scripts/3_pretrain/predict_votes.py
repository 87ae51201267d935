"""Predict each galaxy's votes: the automated vote fractions."""

from workflow.lib.common.jobs import start_job
from workflow.lib.network.devices import use_devices

start_job(snakemake.log[0], snakemake.input)
use_devices(snakemake.threads, snakemake.resources.gpu)

# Imported last: see `use_devices`.
from workflow.lib.pretrain.predict_votes import predict_votes

predict_votes(
    snakemake.input.cutouts,
    snakemake.input.weights,
    snakemake.input.head,
    snakemake.output[0],
    survey=snakemake.wildcards.survey,
    crop_size=snakemake.params.crop_size,
    batch_size=snakemake.params.batch_size,
    seed=snakemake.params.seed,
    views=snakemake.params.views,
)
