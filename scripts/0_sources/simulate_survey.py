"""Draw a simulated sky: an atlas, volunteers' votes, automated fractions and forum tags."""

from workflow.lib.common.jobs import start_job
from workflow.lib.similarity.tag_rules import read_tag_rules
from workflow.lib.sources.sky.survey import simulate_survey

start_job(snakemake.log[0], snakemake.input)
simulate_survey(
    snakemake.params.galaxies,
    snakemake.params.seed,
    merging_share=snakemake.params.merging_share,
    ring_share=snakemake.params.ring_share,
    flux_column=snakemake.params.nsa["flux_column"],
    zero_point=snakemake.params.nsa["zero_point"],
    spellings=read_tag_rules(snakemake.input.tag_rules).spellings(),
    truth=snakemake.output.truth,
    nsa=snakemake.output.nsa,
    automated=snakemake.output.automated,
    volunteers=snakemake.output.volunteers,
    rare=snakemake.output.rare_features,
    tags=snakemake.output.tags,
    solutions=snakemake.output.solutions,
)
