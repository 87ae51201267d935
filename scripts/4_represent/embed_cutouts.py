"""Calculate the representation of each galaxy of a shard."""

from workflow.lib.embed import embed_shard, use_threads
from workflow.lib.logs import log_to

log_to(snakemake.log[0])
use_threads(snakemake.threads)
embed_shard(
    snakemake.input.cutouts,
    snakemake.input.weights,
    snakemake.output[0],
    crop_size=snakemake.params.crop_size,
    batch_size=snakemake.params.batch_size,
    seed=snakemake.params.seed,
    views=snakemake.params.views,
)
