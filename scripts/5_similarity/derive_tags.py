"""Make tags from votes, for a survey without tags."""

from workflow.lib.common.logs import log_to
from workflow.lib.similarity.tags import derive_tags

log_to(snakemake.log[0])
derive_tags(
    snakemake.input.catalogue,
    snakemake.params.fractions,
    snakemake.params.above,
    snakemake.output[0],
)
