"""Write the representation as one array, which searches map into memory."""

from workflow.lib.common.logs import log_to
from workflow.lib.represent.vector_files import unpack_representation

log_to(snakemake.log[0])
unpack_representation(snakemake.input.representation, snakemake.output[0])
