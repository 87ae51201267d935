"""Search for anomalies as a user would, with ratings from the volunteers' votes."""

from workflow.lib.anomaly.hunt import hunt_anomalies
from workflow.lib.common.jobs import start_job

start_job(snakemake.log[0], snakemake.input)
hunt_anomalies(
    snakemake.input.candidates,
    snakemake.input.vectors,
    snakemake.params.repeats,
    snakemake.output,
    search_by=snakemake.params.search_by,
    settings=snakemake.params.settings,
    known_first=snakemake.params.known_first,
    ratings=snakemake.params.ratings,
    seed=snakemake.params.seed,
    threads=snakemake.threads,
)
