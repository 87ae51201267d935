"""Place the galaxies of a sample on a plane by umap."""

from workflow.lib.common.jobs import start_job
from workflow.lib.represent.umap_plane import place_sample

start_job(snakemake.log[0], snakemake.input)
place_sample(
    snakemake.input.compressed,
    snakemake.input.catalogue,
    snakemake.input.get("votes"),
    snakemake.output[0],
    fractions=snakemake.params.fractions,
    threshold=snakemake.params.threshold,
    most=snakemake.params.most,
    n_neighbors=snakemake.params.n_neighbors,
    min_dist=snakemake.params.min_dist,
    seed=snakemake.params.seed,
)
