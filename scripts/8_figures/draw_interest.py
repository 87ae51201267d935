"""Draw where two methods looked for anomalies, and where the anomalies are."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.anomalies import draw_interest, gather_interest
from workflow.lib.figures.canvas import Canvas

start_job(snakemake.log[0], snakemake.input)
canvas = Canvas(**snakemake.params.canvas, **snakemake.output)
methods = snakemake.params.methods
canvas.write_source(
    gather_interest(
        dict(zip(methods, snakemake.input.positions, strict=True)),
        dict(zip(methods, snakemake.input.repeats, strict=True)),
        snakemake.input.candidates,
    ),
    snakemake.input.description,
)
draw_interest(canvas)
