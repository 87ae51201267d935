"""Runs of the fine-tuning grid (paper Sec. 4.2)."""

import hashlib
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from workflow.lib.common.files import write_json, write_text
from workflow.lib.common.name_seeds import name_keys
from workflow.lib.finetune.classifier_files import Kept, keep_classifier
from workflow.lib.finetune.splits import Split, draw_split, read_labels
from workflow.lib.network.encoder import read_description
from workflow.lib.planning.code_hash import digest, fingerprint

if TYPE_CHECKING:
    pass
from workflow.lib.finetune.network import Galaxies, Network, Part, Settings

log = logging.getLogger(__name__)

CODE = "finetune.run"
"""The module that determines a run's result, with what it imports."""


class Run(NamedTuple):
    """One run of the grid."""

    size: int
    repeat: int
    seed: int
    metrics: str | Path
    """JSON to write."""


def finetune(
    runs: Sequence[Run],
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
    Unfinished training is kept beside the results, saved at least each minute: a killed job goes
    on from there, and keeps what runs have finished.

    Parameters
    ----------
    runs
        The runs.
    images, labels
        By `labels.gather_labelled` and `labels.label_galaxies`.
    weights
        An encoder, with its json beside it; None to train from scratch.
    task, survey, pretraining
        What is learned, on whose galaxies, and the name of the weights.
    depth
        One of `grid.DEPTHS`.
    settings
        The fields of `Settings`.
    keep
        For one run only: the files to write its classifier to.

    Raises
    ------
    UserError
        If the weights do not fit the images, or there are too few galaxies.
    """
    how = Settings(**settings)
    pixels = np.load(images, mmap_mode="r")
    names, known = read_labels(labels)
    splits = [
        draw_split(known, size=run.size, seed=run.seed, path=labels, **how.split) for run in runs
    ]
    network = Network(weights, depth, how, pixels.shape)
    identity = {"task": task, "survey": survey, "pretraining": pretraining, "depth": depth}
    folders = []
    for run, split in zip(runs, splits, strict=True):
        everything = [identity, how._asdict(), run.size, run.seed]
        folder = _state_folder(run.metrics, everything, [labels, *([weights] if weights else [])])
        folders.append(folder)
        if not (folder / "result.json").exists() or keep:
            began = time.monotonic()
            models = network.run(_load(split, pixels, known, names), run.seed, folder)
            result = {
                **identity,
                "size": run.size,
                "repeat": run.repeat,
                "seed": run.seed,
                "weights": _described(weights),
                "labels": {"sha256": _sha256(labels)},
                "galaxies": _counts(split, known),
                "settings": how._asdict(),
                "models": models,
                "seconds": round(time.monotonic() - began, 3),
                **_machine(),
            }
            write_json(result, folder / "result.json")
        if keep:
            trained = {"survey": survey, "split": None, "task": task, "pretraining": pretraining}
            keep_classifier(
                network.encoder, network.head, keep,
                training=trained, seed=run.seed, split=split, names=names,
            )  # fmt: skip
        write_text((folder / "result.json").read_text(), run.metrics)
        log.info("%s stands there", run.metrics)
    for folder in folders:
        shutil.rmtree(folder)


def _load(split: Split, pixels: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> Galaxies:
    """Bring the galaxies of a split, and only those, to the device."""
    from workflow.lib.finetune.compiled_training import on_device

    unique = np.unique(np.concatenate([split.train, split.validation, split.test]))

    def part(rows: np.ndarray, copies: np.ndarray) -> Part:
        each = zip(rows, copies, strict=True)
        seen = [f"{names[row]} copy {copy}" if copy else names[row] for row, copy in each]
        return Part(np.searchsorted(unique, rows), labels[rows], name_keys(seen))

    return Galaxies(
        on_device(np.ascontiguousarray(pixels[unique])),
        part(split.train, split.copies),
        part(split.validation, np.zeros(len(split.validation), int)),
        part(split.test, np.zeros(len(split.test), int)),
    )


def _counts(split: Split, labels: np.ndarray) -> dict[str, int]:
    unique = np.unique(split.train)
    return {
        "train": len(split.train),
        "unique": len(unique),
        "labelled": int(labels[unique].sum()),
        "validation": len(split.validation),
        "test": len(split.test),
    }


def _described(weights: str | Path | None) -> dict[str, Any] | None:
    if weights is None:
        return None
    known = read_description(weights)
    return {name: known[name] for name in ("label", "training", "versions")} | {
        "sha256": _sha256(weights)
    }


def _machine() -> dict[str, Any]:
    import keras

    from workflow.lib.network.devices import count_gpus

    return {
        "device": keras.distribution.list_devices("gpu" if count_gpus() else "cpu")[0],
        "versions": {"keras": keras.__version__, "backend": keras.backend.backend()},
        "code": digest(CODE),
    }


def _sha256(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _state_folder(metrics: str | Path, settings: Any, inputs: Sequence[str | Path]) -> Path:
    """Name the folder of unfinished training by all that it depends on."""
    folder = Path(metrics).with_suffix(f".training-{fingerprint(settings, inputs, CODE)}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
