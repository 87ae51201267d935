"""Draw thumbnails at their umap positions."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.representation import draw_representation, gather_cells

start_job(snakemake.log[0], snakemake.input)
canvas = Canvas(**snakemake.params.canvas, **snakemake.output)
canvas.write_source(
    gather_cells(snakemake.input.positions, snakemake.params.grid), snakemake.input.description
)
draw_representation(canvas, snakemake.input.cutouts, crop=snakemake.params.crop)
