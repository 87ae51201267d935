"""Train an encoder to classify procedural pictures, where ImageNet's weights are not available."""

from workflow.lib.common.jobs import start_job
from workflow.lib.network.devices import use_devices

start_job(snakemake.log[0], snakemake.input)
use_devices(snakemake.threads, snakemake.resources.gpu)

# Imported last: see `use_devices`.
from workflow.lib.pretrain.train_on_pictures import pretrain_stand_in

pretrain_stand_in(
    pictures=snakemake.params.pictures,
    network_size=snakemake.params.network_size,
    crop_size=snakemake.params.crop_size,
    processes=snakemake.threads,
    recipe=snakemake.params.recipe,
    seed=snakemake.params.seed,
    weights=snakemake.output.weights,
    curve=snakemake.output.curve,
)
