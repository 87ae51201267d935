"""Train and score heads on the representations of a table."""

from workflow.lib.common.jobs import start_job
from workflow.lib.network.devices import use_devices

start_job(snakemake.log[0], snakemake.input)
use_devices(snakemake.threads, gpus=0)

# Imported last: see `use_devices`.
from workflow.lib.finetune.run import SeededRun, finetune_head

finetune_head(
    [
        SeededRun(*run, metrics)
        for run, metrics in zip(snakemake.params.runs, snakemake.output, strict=True)
    ],
    snakemake.input.representation,
    snakemake.input.labels,
    snakemake.input.description,
    task=snakemake.wildcards.label,
    survey=snakemake.params.survey,
    pretraining=snakemake.wildcards.pretraining,
    settings=snakemake.params.settings,
)
