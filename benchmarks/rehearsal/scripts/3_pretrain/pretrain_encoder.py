"""Instead of a training: an encoder's files, empty but for what later stages read of them."""

from pathlib import Path

from workflow.lib.common.files import write_json, write_text
from workflow.lib.network.encoder import INPUT_RANGE

write_text("", snakemake.output.weights)
write_text("", snakemake.output.head)
write_text("epoch,loss\n", snakemake.output.curve)
params = snakemake.params
write_json(
    {
        "label": "drawn, not trained",
        "training": {"survey": params.survey, "split": params.split},
        "size": params.crop_size,
        "channels": 1,
        "input_range": INPUT_RANGE,
        "seed": params.seed,
        "versions": {},
    },
    Path(snakemake.output.description),
)
