"""Draw the share of the variance that the first principal components keep."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.pca_variance import draw_variance

start_job(snakemake.log[0], snakemake.input)
surveys = snakemake.params.surveys
each = len(snakemake.input.variances) // len(surveys)
draw_variance(
    {
        survey: snakemake.input.variances[number * each : (number + 1) * each]
        for number, survey in enumerate(surveys)
    },
    Canvas(**snakemake.params.canvas, **snakemake.output, description=snakemake.input.description),
)
