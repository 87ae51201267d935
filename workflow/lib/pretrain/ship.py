"""The encoder that comes with the code: its weights in half precision, and how good they are."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from workflow.lib.common.checksums import checksum
from workflow.lib.common.files import atomic_path, write_json
from workflow.lib.network.encoder import description_path, load_head, read_description, save_head

log = logging.getLogger(__name__)


def ship_encoder(
    weights: str | Path,
    head: str | Path,
    evaluation: str | Path,
    probe: str | Path,
    *,
    pretraining: str,
    recipe: Mapping[str, Any],
    shipped: str | Path,
    shipped_head: str | Path,
) -> None:
    """Write an encoder in half precision, with its recipe and its scores.

    Half the bytes change a representation by about a thousandth of its scatter.

    Parameters
    ----------
    weights, head
        The encoder, with its json beside it, and its head.
    evaluation, probe
        By `evaluate.evaluate` and `probe.probe`, of several pretrainings.
    pretraining
        The encoder's name in these tables.
    recipe
        All settings that made it, as JSON types.
    shipped, shipped_head
        Files to write. The json beside the weights gets three more keys: `recipe`; `scores`, with
        the error of each question's vote fractions and the area under the ROC curve of each label;
        and `sha256`, the checksum of both files by their names.
    """
    with atomic_path(shipped) as temporary:
        _halve(weights, temporary)
    save_head(load_head(head), shipped_head)
    scores = scores_of(pretraining, evaluation, probe)
    checksums = {Path(path).name: checksum(path) for path in (shipped, shipped_head)}
    description = {
        **read_description(weights),
        "recipe": dict(recipe),
        "scores": scores,
        "sha256": checksums,
    }
    write_json(description, description_path(shipped))
    log.info("%s", json.dumps(scores))


def scores_of(
    pretraining: str, evaluation: str | Path, probe: str | Path
) -> dict[str, dict[str, float]]:
    """Collect an encoder's scores from the tables; parameters are those of `ship_encoder`."""
    votes, labels = pd.read_csv(evaluation), pd.read_csv(probe)
    votes = votes[votes["pretraining"] == pretraining]
    labels = labels[labels["pretraining"] == pretraining]
    return {
        "error of vote fractions": dict(zip(votes["question"], votes["error"], strict=True)),
        "area under the curve": dict(zip(labels["label"], labels["auc"], strict=True)),
    }


def _halve(given: str | Path, written: Path) -> None:
    """Copy an HDF5 file with all its float32 arrays as float16, compressed."""
    with h5py.File(given) as source, h5py.File(written, "w") as target:

        def copy(name: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Group):
                place = target.require_group(name)
            else:
                values = item[()]
                small = values.astype(np.float16) if values.dtype == np.float32 else values
                packed = {"compression": "gzip", "shuffle": True} if np.ndim(values) else {}
                place = target.create_dataset(name, data=small, **packed)
            place.attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
