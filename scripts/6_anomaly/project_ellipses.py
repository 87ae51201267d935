"""Project a task's galaxies onto a plane by their ellipses, with umap."""

from workflow.lib.common.jobs import start_job
from workflow.lib.represent.umap_plane import place_ellipses

start_job(snakemake.log[0], snakemake.input)
place_ellipses(
    snakemake.input.vectors,
    snakemake.input.candidates,
    snakemake.output[0],
    n_neighbors=snakemake.params.n_neighbors,
    min_dist=snakemake.params.min_dist,
    seed=snakemake.params.seed,
)
