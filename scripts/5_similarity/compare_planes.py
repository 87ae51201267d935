"""Compare the planes that umap makes with and without a PCA before it."""

from workflow.lib.common.jobs import start_job
from workflow.lib.similarity.planes import compare_planes

start_job(snakemake.log[0], snakemake.input)
umap = snakemake.params.umap
compare_planes(
    {f"pca{umap['components']}": snakemake.input.compressed},
    snakemake.input.full,
    snakemake.input.catalogue,
    snakemake.output[0],
    questions=snakemake.params.questions,
    answers=snakemake.params.answers,
    min_votes=snakemake.params.min_votes,
    **umap["without_pca"],
    n_neighbors=umap["n_neighbors"],
    min_dist=umap["min_dist"],
    seed=umap["seed"],
    threads=snakemake.threads,
)
