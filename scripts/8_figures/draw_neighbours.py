"""Draw a row of similar galaxies for each tag."""

from workflow.lib.common.logs import log_to
from workflow.lib.figures.neighbours import draw_neighbours

log_to(snakemake.log[0])
draw_neighbours(
    snakemake.input.neighbours,
    snakemake.input.cutouts,
    snakemake.input.description,
    per_row=snakemake.params.per_row,
    crop=snakemake.params.crop,
    width=snakemake.params.width,
    dpi=snakemake.params.dpi,
    survey_note=snakemake.params.note,
    pdf=snakemake.output.pdf,
    png=snakemake.output.png,
    csv=snakemake.output.csv,
)
