"""Draw a row of similar galaxies for each tag."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.neighbours import draw_neighbours

start_job(snakemake.log[0], snakemake.input)
draw_neighbours(
    snakemake.input.neighbours,
    snakemake.input.cutouts,
    Canvas(**snakemake.params.canvas, **snakemake.output, description=snakemake.input.description),
    per_row=snakemake.params.per_row,
    blocks=snakemake.params.blocks,
    crop=snakemake.params.crop,
)
