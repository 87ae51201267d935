"""Draw where two methods looked for anomalies, and where these are."""

from workflow.lib.common.logs import log_to
from workflow.lib.figures.anomalies import draw_interest

log_to(snakemake.log[0])
methods = snakemake.params.methods
draw_interest(
    dict(zip(methods, snakemake.input.positions, strict=True)),
    dict(zip(methods, snakemake.input.repeats, strict=True)),
    snakemake.input.candidates,
    snakemake.input.description,
    width=snakemake.params.width,
    dpi=snakemake.params.dpi,
    survey_note=snakemake.params.note,
    pdf=snakemake.output.pdf,
    png=snakemake.output.png,
    csv=snakemake.output.csv,
)
