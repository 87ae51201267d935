"""Measure how well representations predict labels that no network was trained on."""

from workflow.lib.common.jobs import start_job
from workflow.lib.represent.probe import probe

start_job(snakemake.log[0], snakemake.input)
pretrainings = snakemake.params.pretrainings
probe(
    dict(zip(pretrainings, snakemake.input.representations, strict=True)),
    dict(zip(pretrainings, snakemake.input.descriptions, strict=True)),
    snakemake.input.catalogue,
    snakemake.params.survey,
    snakemake.params.labels,
    folds=snakemake.params.folds,
    repeats=snakemake.params.repeats,
    seed=snakemake.params.seed,
    table=snakemake.output[0],
)
