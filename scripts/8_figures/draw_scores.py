"""Draw how many of the first galaxies of a ranking are anomalies, by every method."""

from workflow.lib.common.logs import log_to
from workflow.lib.figures.anomalies import draw_scores

log_to(snakemake.log[0])
tasks = snakemake.params.tasks
draw_scores(
    dict(zip(tasks, snakemake.input.curves, strict=True)),
    dict(zip(tasks, snakemake.input.counts, strict=True)),
    snakemake.input.description,
    width=snakemake.params.width,
    dpi=snakemake.params.dpi,
    survey_note=snakemake.params.note,
    pdf=snakemake.output.pdf,
    png=snakemake.output.png,
    csv=snakemake.output.csv,
)
