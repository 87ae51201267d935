"""Write every claim of the paper beside the results of this run."""

from workflow.lib.claims.compare import compare_claims
from workflow.lib.common.jobs import start_job

start_job(snakemake.log[0], snakemake.input)
compare_claims(
    snakemake.input.claims,
    snakemake.params.results,
    snakemake.params.made,
    snakemake.input.description,
    settings=snakemake.params.settings,
    shown=snakemake.params.shown,
    simulated=snakemake.params.simulated,
    stand_ins=snakemake.params.stand_ins,
    survey_notes=snakemake.params.survey_notes,
    figures=snakemake.params.figures,
    draws=snakemake.params.draws,
    seed=snakemake.params.seed,
    sigmas=snakemake.params.sigmas,
    table=snakemake.output.table,
    page=snakemake.output.page,
    summary=snakemake.output.summary,
)
