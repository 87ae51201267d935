"""Draw a row of similar galaxies for each tag."""

from workflow.lib.figures import draw_neighbours
from workflow.lib.logs import log_to

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
