"""Draw test accuracy by the number of labelled galaxies."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.finetuning import draw_finetuning

start_job(snakemake.log[0], snakemake.input)
draw_finetuning(
    snakemake.input.models,
    snakemake.wildcards.figure,
    Canvas(**snakemake.params.canvas, **snakemake.output),
)
