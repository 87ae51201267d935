"""Measure how many neighbours, by each representation, have the galaxy's tag or answer."""

from workflow.lib.common.jobs import start_job
from workflow.lib.represent.vector_files import read_common
from workflow.lib.similarity.retrieval import measure_retrieval

start_job(snakemake.log[0], snakemake.input)
retrieval = snakemake.params.retrieval
compared = dict(zip(snakemake.params.encoders, snakemake.input.representations, strict=True))
measure_retrieval(
    *read_common(compared),
    snakemake.input.catalogue,
    snakemake.input.tags,
    snakemake.output[0],
    metrics=[snakemake.params.metric],
    questions=snakemake.params.questions,
    answers=snakemake.params.answers,
    most_common=snakemake.params.most_common,
    first=[snakemake.params.first],
    above=snakemake.params.above,
    min_votes=retrieval["min_votes"],
    queries=retrieval["queries"],
    same_within=retrieval["same_within"],
    seed=retrieval["seed"],
    threads=snakemake.threads,
)
