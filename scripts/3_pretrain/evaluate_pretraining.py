"""Compare each network's predicted votes with volunteers' votes, on held-out galaxies."""

from workflow.lib.common.jobs import start_job
from workflow.lib.pretrain.evaluate import evaluate

start_job(snakemake.log[0], snakemake.input)
evaluate(
    dict(zip(snakemake.params.pretrainings, snakemake.input.votes, strict=True)),
    snakemake.input.catalogue,
    snakemake.params.questions,
    snakemake.output[0],
)
