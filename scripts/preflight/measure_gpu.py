"""Train and embed for a minute, as a test of a GPU."""

from workflow.lib.common.jobs import start_job
from workflow.lib.network.devices import use_devices

start_job(snakemake.log[0], snakemake.input)
use_devices(snakemake.threads, snakemake.resources.gpu)

# Imported last: see `use_devices`.
from workflow.lib.preflight.gpu import measure_gpu

measure_gpu(snakemake.params.config, snakemake.output[0])
