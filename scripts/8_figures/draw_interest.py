"""Draw where two methods looked for anomalies, and where the anomalies are."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.anomalies import draw_interest
from workflow.lib.figures.canvas import Canvas

start_job(snakemake.log[0], snakemake.input)
methods = snakemake.params.methods
draw_interest(
    dict(zip(methods, snakemake.input.positions, strict=True)),
    dict(zip(methods, snakemake.input.repeats, strict=True)),
    snakemake.input.candidates,
    Canvas(**snakemake.params.canvas, **snakemake.output, description=snakemake.input.description),
)
