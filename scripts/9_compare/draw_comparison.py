"""Gather the scores of all encoders in a table, and draw them."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.comparison import draw_comparison, gather_scores

start_job(snakemake.log[0], snakemake.input)
canvas = Canvas(**snakemake.params.canvas, **snakemake.output)
encoders, params, files = snakemake.params.encoders, snakemake.params, snakemake.input
canvas.write_source(
    gather_scores(
        dict(zip(encoders, files.descriptions, strict=True)),
        probes=dict(zip(params.probes, files.probes, strict=True)),
        retrieval=dict(zip(params.retrieval, files.retrieval, strict=True)),
        scores=dict(zip(params.scores.items(), files.scores, strict=True)),
        models=dict(zip(params.models.items(), files.models, strict=True)),
    )
)
draw_comparison(canvas, encoders)
