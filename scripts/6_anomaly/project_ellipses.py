"""Place a task's galaxies on a plane by their ellipses."""

from workflow.lib.anomalies import project_ellipses
from workflow.lib.logs import log_to

log_to(snakemake.log[0])
project_ellipses(
    snakemake.input.vectors,
    snakemake.input.candidates,
    snakemake.output[0],
    n_neighbors=snakemake.params.n_neighbors,
    min_dist=snakemake.params.min_dist,
    seed=snakemake.params.seed,
)
