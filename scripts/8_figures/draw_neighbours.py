"""Draw a row of similar galaxies for each tag."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.neighbours import draw_neighbours, gather_rows

start_job(snakemake.log[0], snakemake.input)
canvas = Canvas(**snakemake.params.canvas, **snakemake.output)
canvas.write_source(
    gather_rows(
        snakemake.input.neighbours,
        per_row=snakemake.params.per_row,
        blocks=snakemake.params.blocks,
    ),
    snakemake.input.description,
)
draw_neighbours(canvas, snakemake.input.cutouts, crop=snakemake.params.crop)
