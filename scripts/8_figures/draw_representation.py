"""Draw thumbnails at their umap positions."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.representation import draw_representation

start_job(snakemake.log[0], snakemake.input)
draw_representation(
    snakemake.input.positions,
    snakemake.input.cutouts,
    Canvas(**snakemake.params.canvas, **snakemake.output, description=snakemake.input.description),
    grid=snakemake.params.grid,
    crop=snakemake.params.crop,
)
