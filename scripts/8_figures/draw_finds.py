"""Draw some of the galaxies that a search ranks highest."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.anomalies import draw_finds, gather_finds
from workflow.lib.figures.canvas import Canvas

start_job(snakemake.log[0], snakemake.input)
canvas = Canvas(**snakemake.params.canvas, **snakemake.output)
tasks = snakemake.params.tasks
block = {"columns": snakemake.params.columns, "rows": snakemake.params.rows}
canvas.write_source(
    gather_finds(
        dict(zip(tasks, snakemake.input.repeats, strict=True)),
        dict(zip(tasks, snakemake.input.candidates, strict=True)),
        among=snakemake.params.among,
        seed=snakemake.params.seed,
        **block,
    ),
    snakemake.input.description,
)
draw_finds(canvas, snakemake.input.cutouts, crop=snakemake.params.crop, **block)
