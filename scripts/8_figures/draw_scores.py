"""Draw how many of the highest ranked galaxies are anomalies, for each method."""

from workflow.lib.common.logs import log_to
from workflow.lib.figures.anomalies import draw_scores
from workflow.lib.figures.canvas import Canvas

log_to(snakemake.log[0])
tasks = snakemake.params.tasks
draw_scores(
    dict(zip(tasks, snakemake.input.curves, strict=True)),
    dict(zip(tasks, snakemake.input.counts, strict=True)),
    Canvas(**snakemake.params.canvas, **snakemake.output, description=snakemake.input.description),
)
