"""Train an encoder to predict the votes on one question or on all."""

from workflow.lib.common.jobs import start_job
from workflow.lib.network.devices import use_devices

start_job(snakemake.log[0], snakemake.input)
use_devices(snakemake.threads, snakemake.resources.gpu)

# Imported last: see `use_devices`.
from workflow.lib.pretrain.train_on_votes import pretrain

pretrain(
    snakemake.input.catalogue,
    snakemake.input.images,
    snakemake.input.names,
    snakemake.input.get("follows") or None,
    survey=snakemake.params.survey,
    galaxies=snakemake.params.galaxies,
    questions=snakemake.params.questions,
    first_question=snakemake.params.first_question,
    min_votes=snakemake.params.min_votes,
    concentrations=snakemake.params.concentrations,
    crop_size=snakemake.params.crop_size,
    split=snakemake.params.split,
    recipe=snakemake.params.recipe,
    seed=snakemake.params.seed,
    weights=snakemake.output.weights,
    head=snakemake.output.head,
    curve=snakemake.output.curve,
)
