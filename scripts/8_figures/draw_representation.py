"""Draw thumbnails at their umap positions."""

from workflow.lib.common.logs import log_to
from workflow.lib.figures.representation import draw_representation

log_to(snakemake.log[0])
draw_representation(
    snakemake.input.positions,
    snakemake.input.cutouts,
    snakemake.input.description,
    grid=snakemake.params.grid,
    crop=snakemake.params.crop,
    width=snakemake.params.width,
    dpi=snakemake.params.dpi,
    survey_note=snakemake.params.note,
    pdf=snakemake.output.pdf,
    png=snakemake.output.png,
    csv=snakemake.output.csv,
)
