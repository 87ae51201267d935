"""Draw the share of the variance that the first principal components keep."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.pca_variance import draw_variance, gather_variance

start_job(snakemake.log[0], snakemake.input)
canvas = Canvas(**snakemake.params.canvas, **snakemake.output)
surveys = snakemake.params.surveys
each = len(snakemake.input.variances) // len(surveys)
canvas.write_source(
    gather_variance(
        {
            survey: snakemake.input.variances[number * each : (number + 1) * each]
            for number, survey in enumerate(surveys)
        },
    ),
    snakemake.input.description,
)
draw_variance(canvas)
