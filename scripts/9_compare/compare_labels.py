"""Keep the labelled galaxies of which there is every representation."""

from workflow.lib.common.jobs import start_job
from workflow.lib.finetune.labels import keep_represented

start_job(snakemake.log[0], snakemake.input)
keep_represented(snakemake.input.labels, snakemake.input.representations, snakemake.output[0])
