"""Print what a run would lack, a line each."""

from workflow.lib.common.logs import log_to
from workflow.lib.preflight.target import print_preflight

log_to(snakemake.log[0])
print_preflight(snakemake.params.config, snakemake.params.snakemake)
