"""Calculate the representation of each galaxy of a shard."""

from workflow.lib.common.jobs import start_job
from workflow.lib.network.devices import use_devices

start_job(snakemake.log[0], snakemake.input)
use_devices(snakemake.threads, snakemake.resources.gpu)

# Imported last: see `use_devices`.
from workflow.lib.represent.embed import embed_shard

embed_shard(
    snakemake.input.cutouts,
    snakemake.input.weights,
    snakemake.output[0],
    crop_size=snakemake.params.crop_size,
    batch_size=snakemake.params.batch_size,
    seed=snakemake.params.seed,
    views=snakemake.params.views,
)
