"""Compare the votes on neighbours with those on random galaxies."""

from workflow.lib.common.jobs import start_job
from workflow.lib.similarity.retrieval import compare_votes

start_job(snakemake.log[0], snakemake.input)
retrieval = snakemake.params.retrieval
compare_votes(
    snakemake.input.neighbours,
    snakemake.input.catalogue,
    snakemake.output[0],
    questions=snakemake.params.questions,
    answers=snakemake.params.answers,
    min_votes=retrieval["min_votes"],
    first=retrieval["first"],
    draws=retrieval["draws"],
    seed=retrieval["seed"],
)
