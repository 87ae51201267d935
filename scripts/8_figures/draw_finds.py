"""Draw some of the galaxies that a search ranks highest."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.anomalies import draw_finds
from workflow.lib.figures.canvas import Canvas

start_job(snakemake.log[0], snakemake.input)
tasks = snakemake.params.tasks
draw_finds(
    dict(zip(tasks, snakemake.input.repeats, strict=True)),
    dict(zip(tasks, snakemake.input.candidates, strict=True)),
    snakemake.input.cutouts,
    Canvas(**snakemake.params.canvas, **snakemake.output, description=snakemake.input.description),
    among=snakemake.params.among,
    columns=snakemake.params.columns,
    rows=snakemake.params.rows,
    crop=snakemake.params.crop,
    seed=snakemake.params.seed,
)
