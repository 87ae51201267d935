"""Draw test accuracy by the number of labelled galaxies."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.finetuning import draw_finetuning, gather_points

start_job(snakemake.log[0], snakemake.input)
canvas = Canvas(**snakemake.params.canvas, **snakemake.output)
canvas.write_source(gather_points(snakemake.input.models, snakemake.wildcards.figure))
draw_finetuning(canvas)
