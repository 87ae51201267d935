"""Write the representation as one array, which searches map into memory."""

from workflow.lib.common.jobs import start_job
from workflow.lib.represent.vector_files import unpack_representation

start_job(snakemake.log[0], snakemake.input)
unpack_representation(snakemake.input.representation, snakemake.output[0])
