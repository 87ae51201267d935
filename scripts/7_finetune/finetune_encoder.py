"""Train and score classifiers of one depth, one after the other."""

from workflow.lib.common.logs import log_to
from workflow.lib.finetune.run import SeededRun, finetune
from workflow.lib.network.devices import use_threads

log_to(snakemake.log[0])
use_threads(snakemake.threads)
finetune(
    [
        SeededRun(*run, metrics)
        for run, metrics in zip(snakemake.params.runs, snakemake.output, strict=True)
    ],
    snakemake.input.images,
    snakemake.input.labels,
    snakemake.input.get("weights") or None,
    task=snakemake.wildcards.label,
    survey=snakemake.params.survey,
    pretraining=snakemake.wildcards.pretraining,
    depth=snakemake.wildcards.depth,
    settings=snakemake.params.settings,
)
