"""Print the speed of a GPU, and what the plan's hours become."""

from workflow.lib.common.jobs import start_job
from workflow.lib.preflight.gpu import print_gpu

start_job(snakemake.log[0], snakemake.input)
print_gpu(snakemake.params.config, snakemake.input[0], snakemake.params.snakemake)
