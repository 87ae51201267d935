"""Draw the share of the variance that the first principal components keep."""

from workflow.lib.figures import draw_variance
from workflow.lib.logs import log_to

log_to(snakemake.log[0])
surveys = snakemake.params.surveys
each = len(snakemake.input.variances) // len(surveys)
draw_variance(
    {
        survey: snakemake.input.variances[number * each : (number + 1) * each]
        for number, survey in enumerate(surveys)
    },
    snakemake.input.description,
    width=snakemake.params.width,
    dpi=snakemake.params.dpi,
    survey_note=snakemake.params.note,
    pdf=snakemake.output.pdf,
    png=snakemake.output.png,
    csv=snakemake.output.csv,
)
