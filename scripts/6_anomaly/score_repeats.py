"""Score how well each method found a task's anomalies, over all repeats."""

from workflow.lib.anomaly.scores import score_repeats
from workflow.lib.common.jobs import start_job

start_job(snakemake.log[0], snakemake.input)
methods = snakemake.params.methods
each = len(snakemake.input.repeats) // len(methods)
score_repeats(
    snakemake.input.candidates,
    {
        method: snakemake.input.repeats[number * each : (number + 1) * each]
        for number, method in enumerate(methods)
    },
    snakemake.output.curves,
    snakemake.output.scores,
    snakemake.output.each_repeat,
    known=dict(zip(methods, snakemake.params.known, strict=True)),
    tops=snakemake.params.tops,
    longest=snakemake.params.longest,
    sigmas=snakemake.params.sigmas,
)
