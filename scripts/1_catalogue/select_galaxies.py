"""Apply a survey's cuts, and count how many galaxies each removes."""

from workflow.lib.catalogue.selection import select_atlas_galaxies, select_table_galaxies
from workflow.lib.common.jobs import start_job

start_job(snakemake.log[0], snakemake.input)
common = {
    "cuts": snakemake.params.cuts,
    "exclude": snakemake.params.exclude,
    "missing_values": snakemake.params.missing_values,
    "pixel_scale": snakemake.params.pixel_scale,
    "published": snakemake.params.published,
    "catalogue": snakemake.output.catalogue,
    "counts": snakemake.output.counts,
}
if snakemake.input.get("nsa"):
    select_atlas_galaxies(
        nsa=snakemake.input.nsa,
        automated=snakemake.input.automated,
        volunteers=snakemake.input.get("volunteers"),
        rare_features=snakemake.input.get("rare_features"),
        rare_columns=snakemake.params.rare_columns,
        **snakemake.params.nsa,
        **common,
    )
else:
    select_table_galaxies(snakemake.input.table, id_column=snakemake.params.id_column, **common)
