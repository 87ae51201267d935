"""Count how often volunteers gave each galaxy each tag, with synonyms merged."""

from workflow.lib.common.logs import log_to
from workflow.lib.similarity.tags import gather_tags

log_to(snakemake.log[0])
gather_tags(
    snakemake.input.tags,
    snakemake.input.rules,
    snakemake.input.catalogue,
    snakemake.output[0],
)
