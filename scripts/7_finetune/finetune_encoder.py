"""Train and score classifiers of one depth, one after the other."""

from workflow.lib.common.jobs import start_job
from workflow.lib.network.devices import use_devices

start_job(snakemake.log[0], snakemake.input)
use_devices(snakemake.threads, snakemake.resources.gpu)

# Imported last: see `use_devices`.
from workflow.lib.finetune.run import SeededRun, finetune

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
