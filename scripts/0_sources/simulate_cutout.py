"""Make one FITS cutout of the simulated sky, as the survey's service would send it."""

from workflow.lib.common.jobs import start_job
from workflow.lib.sources.sky.pictures import simulate_cutout

start_job(snakemake.log[0], snakemake.input)
simulate_cutout(
    snakemake.input.truth,
    snakemake.wildcards.iauname,
    snakemake.output[0],
    instrument=snakemake.params.simulation["instrument"],
    seed=snakemake.params.simulation["seed"],
    thumbnail_size=snakemake.params.thumbnail_size,
    pixel_scale=snakemake.params.pixel_scale,
)
