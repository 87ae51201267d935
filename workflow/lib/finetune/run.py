"""Runs of the fine-tuning grid (paper Sec. 4.2)."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workflow.lib.common.checksums import checksum, intact
from workflow.lib.common.files import write_json, write_text
from workflow.lib.common.joins import map_array
from workflow.lib.finetune.classifier_files import Kept, keep_classifier
from workflow.lib.finetune.splits import Split, draw_split, read_labels
from workflow.lib.network.encoder import description_path, read_description
from workflow.lib.network.unfinished import remove_unfinished, unfinished_folder
from workflow.lib.planning.code_hash import digest

log = logging.getLogger(__name__)

CODE = "finetune.run"
"""The module that determines a run's result, with what it imports."""


class SeededRun(NamedTuple):
    """One run of a job: what differs from `grid.FinetuningRun` to the next, and its file."""

    size: int
    """Of the training set."""
    repeat: int
    seed: int
    """By `FinetuningRun.seed`."""
    metrics: str | Path
    """JSON to write."""


def finetune(
    runs: Sequence[SeededRun],
    images: str | Path,
    labels: str | Path,
    weights: str | Path | None,
    *,
    task: str,
    survey: str,
    pretraining: str,
    depth: str,
    settings: Mapping[str, Any],
    keep: Kept | None = None,
) -> None:
    """Train and score classifiers of one depth, one after the other (paper Sec. 4.2).

    A pretrained encoder gives two models: one with its head trained while it is frozen, and that
    one after training the encoder down to `depth` too. Training from scratch gives one.
    Unfinished training is kept beside the results and saved at least each minute: a job that was
    killed resumes from there, and does not repeat finished runs.

    Parameters
    ----------
    runs
        The runs.
    images, labels
        Files by `labels.gather_labelled` and `labels.label_galaxies`.
    weights
        An encoder, with its json beside it; None to train from scratch.
    task, survey, pretraining
        The label, the survey of the galaxies, and the name of the weights.
    depth
        One of `grid.DEPTHS`.
    settings
        The fields of `network.FinetuningSettings`.
    keep
        The files to write the classifier to, if there is only one run.

    Raises
    ------
    UserError
        If the weights do not fit the images, or there are too few galaxies.
    """
    # Keras takes seconds to load, and its messages while loading belong in the job's log.
    from workflow.lib.finetune.classifier import dense_weights
    from workflow.lib.finetune.galaxies import load_galaxies
    from workflow.lib.finetune.network import FinetuningSettings, Network

    how = FinetuningSettings(**settings)
    names, known = read_labels(labels)
    pixels = map_array(images, names)
    splits = [
        draw_split(known, size=run.size, seed=run.seed, path=labels, **how.split) for run in runs
    ]
    network = Network(weights, depth, how, pixels.shape)
    identity = {"task": task, "survey": survey, "pretraining": pretraining, "depth": depth}
    inputs = [images, labels, *([weights, description_path(weights)] if weights else [])]
    for run, split in zip(runs, splits, strict=True):
        everything = [identity, how._asdict(), run.size, run.seed]
        folder = unfinished_folder(run.metrics, everything, inputs, CODE)
        finished = folder / "result.json"
        if keep or not intact(finished):
            began = time.monotonic()
            galaxies = load_galaxies(split, pixels, known, names)
            models = network.run(galaxies, run.seed, folder)
            result = {
                **identity,
                "size": run.size,
                "repeat": run.repeat,
                "seed": run.seed,
                **_learned_from(weights, labels, split, known),
                "settings": how._asdict(),
                "models": models,
                "seconds": round(time.monotonic() - began, 3),
                **_machine(),
            }
            write_json(result, finished)
        if keep:
            trained = {"survey": survey, "split": None, "task": task, "pretraining": pretraining}
            keep_classifier(
                network.encoder, dense_weights(network.head), keep,
                training=trained, seed=run.seed, split=split, names=names,
            )  # fmt: skip
        write_text(finished.read_text(), run.metrics)
        log.info("%s is written", run.metrics)
    for run in runs:
        remove_unfinished(run.metrics)


def _learned_from(
    weights: str | Path | None, labels: str | Path, split: Split, known: np.ndarray
) -> dict[str, Any]:
    """Describe what a run learns from."""
    described = None
    if weights is not None:
        content = read_description(weights)
        described = {name: content[name] for name in ("label", "training", "versions")}
        described["sha256"] = checksum(weights)
    unique = np.unique(split.train)
    return {
        "weights": described,
        "labels": {"sha256": checksum(labels)},
        "galaxies": {
            "train": len(split.train),
            "unique": len(unique),
            "labelled": int(known[unique].sum()),
            "validation": len(split.validation),
            "test": len(split.test),
        },
    }


def _machine() -> dict[str, Any]:
    import keras

    from workflow.lib.network.devices import count_gpus

    return {
        "device": keras.distribution.list_devices("gpu" if count_gpus() else "cpu")[0],
        "versions": {"keras": keras.__version__, "backend": keras.backend.backend()},
        "code": digest(CODE),
    }
