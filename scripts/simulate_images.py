"""Take the pictures of a simulated survey that comes as a zip of JPEGs."""

from workflow.lib.logs import log_to
from workflow.lib.sky.survey import simulate_images

log_to(snakemake.log[0])
simulate_images(
    snakemake.input.truth,
    snakemake.output[0],
    instrument=snakemake.params.simulation["instrument"],
    seed=snakemake.params.simulation["seed"],
    processes=snakemake.threads,
    cutouts=snakemake.params.cutouts,
)
