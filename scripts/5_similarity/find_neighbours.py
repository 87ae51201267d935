"""Find the galaxies most similar to the one most often given each common tag."""

from workflow.lib.common.jobs import start_job
from workflow.lib.similarity.neighbours import find_neighbours

start_job(snakemake.log[0], snakemake.input)
find_neighbours(
    snakemake.input.representation,
    snakemake.input.catalogue,
    snakemake.input.tags,
    snakemake.output[0],
    most_common=snakemake.params.most_common,
    k=snakemake.params.neighbours,
    metric=snakemake.params.metric,
    same_within=snakemake.params.same_within,
    threads=snakemake.threads,
)
