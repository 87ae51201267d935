"""Write the representation as one array, which searches map into memory."""

from workflow.lib.logs import log_to
from workflow.lib.representation import unpack_representation

log_to(snakemake.log[0])
unpack_representation(snakemake.input.representation, snakemake.output[0])
