"""Draw thumbnails at their umap positions."""

from workflow.lib.common.logs import log_to
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.representation import draw_representation

log_to(snakemake.log[0])
draw_representation(
    snakemake.input.positions,
    snakemake.input.cutouts,
    Canvas(**snakemake.params.canvas, **snakemake.output, description=snakemake.input.description),
    grid=snakemake.params.grid,
    crop=snakemake.params.crop,
)
