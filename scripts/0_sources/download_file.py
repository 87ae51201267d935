"""Download one file of config/downloads.tsv and hold it to its checksum."""

from workflow.lib.common.jobs import start_job
from workflow.lib.sources.downloads import download_file, read_downloads
from workflow.lib.sources.http import PoliteClient, user_agent

start_job(snakemake.log[0], snakemake.input)
download = read_downloads(snakemake.input.downloads)[snakemake.wildcards.file]
client = PoliteClient(user_agent(snakemake.params.contact), **snakemake.params.client)
download_file(
    download.url, snakemake.output[0], client, sha256=download.sha256, size=download.bytes
)
