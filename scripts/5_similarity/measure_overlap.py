"""Measure how many nearest galaxies stay the same with fewer dimensions or another distance."""

from workflow.lib.common.jobs import start_job
from workflow.lib.similarity.overlap import measure_overlap

start_job(snakemake.log[0], snakemake.input)
retrieval = snakemake.params.retrieval
names = [f"pca{count}" for count in retrieval["components"]]
measure_overlap(
    dict(zip(names, snakemake.input.compressed, strict=True)),
    snakemake.input.full,
    snakemake.input.catalogue,
    snakemake.output[0],
    first=retrieval["first"],
    queries=retrieval["queries"],
    same_within=retrieval["same_within"],
    seed=retrieval["seed"],
    threads=snakemake.threads,
)
