"""Draw how many of the highest ranked galaxies are anomalies, for each method."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.anomalies import draw_scores
from workflow.lib.figures.canvas import Canvas

start_job(snakemake.log[0], snakemake.input)
tasks = snakemake.params.tasks
draw_scores(
    dict(zip(tasks, snakemake.input.curves, strict=True)),
    dict(zip(tasks, snakemake.input.counts, strict=True)),
    Canvas(**snakemake.params.canvas, **snakemake.output, description=snakemake.input.description),
)
