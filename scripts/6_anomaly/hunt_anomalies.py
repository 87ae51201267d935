"""Search for anomalies as a user would, with ratings from the volunteers' votes."""

from workflow.lib.anomaly.hunt import hunt_anomalies
from workflow.lib.common.logs import log_to

log_to(snakemake.log[0])
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
