"""Draw how many of the highest ranked galaxies are anomalies, for each method."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.anomalies import draw_scores, gather_curves
from workflow.lib.figures.canvas import Canvas

start_job(snakemake.log[0], snakemake.input)
canvas = Canvas(**snakemake.params.canvas, **snakemake.output)
tasks = snakemake.params.tasks
canvas.write_source(
    gather_curves(
        dict(zip(tasks, snakemake.input.curves, strict=True)),
        dict(zip(tasks, snakemake.input.counts, strict=True)),
    ),
    snakemake.input.description,
)
draw_scores(canvas)
