"""Apply a kept classifier to every galaxy of a survey."""

from workflow.lib.common.jobs import start_job
from workflow.lib.network.devices import use_devices

start_job(snakemake.log[0], snakemake.input)
use_devices(snakemake.threads, snakemake.resources.gpu)

# Imported last: see `use_devices`.
from workflow.lib.finetune.classifier_files import Kept
from workflow.lib.finetune.predict import predict_labels

predict_labels(
    snakemake.input.cutouts,
    Kept(snakemake.input.weights, snakemake.input.head, snakemake.input.split),
    snakemake.output[0],
    same_survey=snakemake.wildcards.survey == snakemake.params.survey,
    crop_size=snakemake.params.crop_size,
    batch_size=snakemake.params.batch_size,
    seed=snakemake.params.seed,
    views=snakemake.params.views,
)
