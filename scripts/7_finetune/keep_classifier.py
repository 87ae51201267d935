"""Repeat one run, and keep its network and the galaxies of its sets."""

from workflow.lib.common.jobs import start_job
from workflow.lib.network.devices import use_devices

start_job(snakemake.log[0], snakemake.input)
use_devices(snakemake.threads, snakemake.resources.gpu)

# Imported last: see `use_devices`.
from workflow.lib.finetune.classifier_files import Kept
from workflow.lib.finetune.run import SeededRun, finetune

finetune(
    [SeededRun(*snakemake.params.runs[0], snakemake.output.metrics)],
    snakemake.input.images,
    snakemake.input.labels,
    snakemake.input.get("weights") or None,
    task=snakemake.wildcards.label,
    survey=snakemake.params.survey,
    pretraining=snakemake.wildcards.pretraining,
    depth=snakemake.wildcards.depth,
    settings=snakemake.params.settings,
    keep=Kept(snakemake.output.weights, snakemake.output.head, snakemake.output.split),
)
