"""Draw some of the galaxies that are ranked highest, as somebody would find them."""

from workflow.lib.common.logs import log_to
from workflow.lib.figures.anomalies import draw_finds

log_to(snakemake.log[0])
tasks = snakemake.params.tasks
draw_finds(
    dict(zip(tasks, snakemake.input.repeats, strict=True)),
    dict(zip(tasks, snakemake.input.candidates, strict=True)),
    snakemake.input.cutouts,
    snakemake.input.description,
    among=snakemake.params.among,
    columns=snakemake.params.columns,
    rows=snakemake.params.rows,
    crop=snakemake.params.crop,
    seed=snakemake.params.seed,
    width=snakemake.params.width,
    dpi=snakemake.params.dpi,
    survey_note=snakemake.params.note,
    pdf=snakemake.output.pdf,
    png=snakemake.output.png,
    csv=snakemake.output.csv,
)
