"""Join the shards' ellipses into one file, in catalogue order, and count those that failed."""

from workflow.lib.common.files import write_json
from workflow.lib.common.jobs import start_job
from workflow.lib.represent.vector_files import count_unusable, gather_shards

start_job(snakemake.log[0], snakemake.input)
gather_shards(snakemake.input.shards, snakemake.output.ellipses)
write_json(count_unusable(snakemake.output.ellipses), snakemake.output.counts)
