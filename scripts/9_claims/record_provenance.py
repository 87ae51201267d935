"""Write down what made the results: configuration, code, packages, machine and input files."""

from workflow.lib.claims.provenance import record_provenance
from workflow.lib.common.jobs import start_job

start_job(snakemake.log[0], snakemake.input)
record_provenance(snakemake.params.config, snakemake.params.rules, snakemake.output[0])
