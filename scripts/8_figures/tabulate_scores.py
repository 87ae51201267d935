"""Write Table 1: how well each method found the anomalies of each task."""

from workflow.lib.common.jobs import start_job
from workflow.lib.figures.table_1 import tabulate_scores

start_job(snakemake.log[0], snakemake.input)
tabulate_scores(
    dict(zip(snakemake.params.tasks, snakemake.input.scores, strict=True)),
    snakemake.input.description,
    surveys=snakemake.params.surveys,
    tops=snakemake.params.tops,
    survey_notes=snakemake.params.notes,
    title=snakemake.params.title,
    with_counts=snakemake.params.with_counts,
    csv=snakemake.output.csv,
    tex=snakemake.output.tex,
    html=snakemake.output.html,
)
