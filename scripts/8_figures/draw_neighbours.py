"""Draw a row of similar galaxies for each tag."""

from workflow.lib.common.logs import log_to
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.neighbours import draw_neighbours

log_to(snakemake.log[0])
draw_neighbours(
    snakemake.input.neighbours,
    snakemake.input.cutouts,
    Canvas(**snakemake.params.canvas, **snakemake.output, description=snakemake.input.description),
    per_row=snakemake.params.per_row,
    crop=snakemake.params.crop,
)
