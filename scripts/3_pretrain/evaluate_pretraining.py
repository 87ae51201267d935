"""Compare each network's predicted votes with volunteers' votes, on held-out galaxies."""

from workflow.lib.common.logs import log_to
from workflow.lib.pretrain.evaluate import evaluate

log_to(snakemake.log[0])
evaluate(
    dict(zip(snakemake.params.pretrainings, snakemake.input.votes, strict=True)),
    snakemake.input.catalogue,
    snakemake.params.questions,
    snakemake.output[0],
)
