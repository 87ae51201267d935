"""Pack the run as a Workflow Run RO-Crate."""

from workflow.lib.claims.crate import write_crate
from workflow.lib.common.jobs import start_job

start_job(snakemake.log[0], snakemake.input)
write_crate(
    snakemake.input.provenance,
    snakemake.input.outputs,
    snakemake.output[0],
    config=snakemake.params.config,
    results=snakemake.params.results,
    benchmarks=snakemake.params.benchmarks,
    downloads=snakemake.input.downloads,
)
