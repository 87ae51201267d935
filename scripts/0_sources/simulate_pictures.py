"""Take the pictures of a simulated survey that comes as a zip of JPEGs."""

from workflow.lib.common.jobs import start_job
from workflow.lib.sources.sky.pictures import simulate_pictures

start_job(snakemake.log[0], snakemake.input)
simulate_pictures(
    snakemake.input.truth,
    snakemake.output[0],
    instrument=snakemake.params.simulation["instrument"],
    seed=snakemake.params.simulation["seed"],
    thumbnail_size=snakemake.params.thumbnail_size,
    jpeg_quality=snakemake.params.jpeg_quality,
    processes=snakemake.threads,
    **snakemake.params.simulation["pictures"],
)
