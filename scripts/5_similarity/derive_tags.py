"""Make tags from votes, for a survey without tags."""

from workflow.lib.common.jobs import start_job
from workflow.lib.similarity.tags import derive_tags

start_job(snakemake.log[0], snakemake.input)
derive_tags(
    snakemake.input.catalogue,
    snakemake.params.fractions,
    snakemake.params.above,
    snakemake.output[0],
)
