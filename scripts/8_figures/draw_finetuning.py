"""Draw test accuracy by the number of labelled galaxies."""

from workflow.lib.common.logs import log_to
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.finetuning import draw_finetuning

log_to(snakemake.log[0])
draw_finetuning(
    snakemake.input.models,
    snakemake.wildcards.figure,
    Canvas(**snakemake.params.canvas, **snakemake.output),
)
