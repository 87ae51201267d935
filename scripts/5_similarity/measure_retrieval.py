"""Measure how many neighbours have the tag or answer of the galaxy searched from."""

from workflow.lib.common.jobs import start_job
from workflow.lib.similarity.nearest import METRICS
from workflow.lib.similarity.neighbours import open_representations
from workflow.lib.similarity.retrieval import measure_retrieval

start_job(snakemake.log[0], snakemake.input)
retrieval = snakemake.params.retrieval
names = [f"pca{count}" for count in retrieval["components"]]
compressed = dict(zip(names, snakemake.input.compressed, strict=True))
measure_retrieval(
    *open_representations(compressed, snakemake.input.full),
    snakemake.input.catalogue,
    snakemake.input.tags,
    snakemake.output[0],
    metrics=METRICS,
    questions=snakemake.params.questions,
    answers=snakemake.params.answers,
    most_common=snakemake.params.most_common,
    first=retrieval["first"],
    above=snakemake.params.above,
    min_votes=retrieval["min_votes"],
    queries=retrieval["queries"],
    same_within=retrieval["same_within"],
    seed=retrieval["seed"],
    threads=snakemake.threads,
)
