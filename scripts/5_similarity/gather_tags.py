"""Count how often volunteers gave each galaxy each tag, with synonyms merged."""

from workflow.lib.common.jobs import start_job
from workflow.lib.similarity.tags import gather_tags

start_job(snakemake.log[0], snakemake.input)
gather_tags(
    snakemake.input.tags,
    snakemake.input.rules,
    snakemake.input.catalogue,
    snakemake.output[0],
)
