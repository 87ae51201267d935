"""Runs of the fine-tuning grid (paper Sec. 4.2)."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from workflow.lib.common.checksums import checksum, intact
from workflow.lib.common.files import write_json, write_text
from workflow.lib.common.joins import map_array, rows_of
from workflow.lib.finetune.classifier_files import Kept, keep_classifier
from workflow.lib.finetune.splits import Split, draw_split, read_labels
from workflow.lib.network.encoder import description_path, parse_description, read_description
from workflow.lib.network.unfinished import remove_unfinished, unfinished_folder
from workflow.lib.planning.code_hash import digest
from workflow.lib.planning.grid import FROZEN
from workflow.lib.represent.vector_files import read_representation

if TYPE_CHECKING:
    from workflow.lib.finetune.network import FrozenStage, Network

log = logging.getLogger(__name__)

CODE = "finetune.run"
"""The module that determines a run's result, with what it imports."""

USED = ("label", "training", "versions")
"""What a result says of the encoder, by the keys of its `encoder.json`."""


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
    from workflow.lib.finetune.network import FinetuningSettings, Network

    how = FinetuningSettings(**settings)
    names, known = read_labels(labels)
    pixels = map_array(images, names)
    splits = _draw_splits(runs, known, labels, how.split)
    network = Network(weights, depth, how, pixels.shape)

    def keep_it(run: SeededRun, split: Split) -> None:
        trained = {"survey": survey, "split": None, "task": task, "pretraining": pretraining}
        keep_classifier(
            network.encoder, dense_weights(network.head), keep,
            training=trained, seed=run.seed, split=split, names=names,
        )  # fmt: skip

    _train(
        zip(runs, splits, strict=True), network, Labelled(pixels, names, known),
        identity={"task": task, "survey": survey, "pretraining": pretraining, "depth": depth},
        inputs=[images, labels, *([weights, description_path(weights)] if weights else [])],
        labels=labels,
        learned_from=None if weights is None else _weights_used(weights),
        after=keep_it if keep else None,
    )  # fmt: skip


def finetune_head(
    runs: Sequence[SeededRun],
    representation: str | Path,
    labels: str | Path,
    description: str | Path,
    *,
    task: str,
    survey: str,
    pretraining: str,
    settings: Mapping[str, Any],
) -> None:
    """Train and score heads on representations, without the network that these are from.

    Each galaxy has one representation, the same in each epoch. Otherwise this is the first, frozen
    stage of `finetune`.

    Parameters
    ----------
    representation
        Parquet. Labelled galaxies that it lacks are left out.
    description
        The `encoder.json` of the representation.
    runs, labels, task, survey, pretraining, settings
        As for `finetune`.

    Raises
    ------
    UserError
        If there are too few galaxies.
    """
    from workflow.lib.finetune.network import FinetuningSettings, FrozenStage

    how = FinetuningSettings(**settings)
    labelled = read_labelled(representation, labels)
    splits = _draw_splits(runs, labelled.known, labels, how.split)
    _train(
        zip(runs, splits, strict=True), FrozenStage(labelled.images.shape[1], how), labelled,
        identity={"task": task, "survey": survey, "pretraining": pretraining, "depth": FROZEN},
        inputs=[representation, labels, description],
        labels=labels,
        learned_from={name: parse_description(description)[name] for name in USED},
    )  # fmt: skip


class Labelled(NamedTuple):
    """Labelled galaxies."""

    images: np.ndarray
    """Their images, (n, size, size, channels), or their representations, (n, d)."""
    names: list[str]
    known: np.ndarray
    """Shape (n,), bool: whether each has the label."""


def read_labelled(representation: str | Path, labels: str | Path) -> Labelled:
    """Read the representations of the labelled galaxies that have one."""
    names, known = read_labels(labels)
    found, vectors = read_representation(representation)
    have = np.isin(np.array(names, object), np.array(found, object))
    if not have.all():
        log.info("%d of %d labelled galaxies have no representation", sum(~have), len(have))
    kept = [name for name, has in zip(names, have, strict=True) if has]
    return Labelled(vectors[rows_of(kept, found, representation)], kept, known[have])


def _draw_splits(
    runs: Sequence[SeededRun], known: np.ndarray, labels: str | Path, split: Mapping[str, Any]
) -> list[Split]:
    return [draw_split(known, size=run.size, seed=run.seed, path=labels, **split) for run in runs]


def _train(
    planned: Iterable[tuple[SeededRun, Split]],
    network: "Network | FrozenStage",
    labelled: Labelled,
    *,
    identity: Mapping[str, str],
    inputs: Sequence[str | Path],
    labels: str | Path,
    learned_from: Mapping[str, Any] | None,
    after: Callable[[SeededRun, Split], None] | None = None,
) -> None:
    """Train and score each run that is not finished, and write its result.

    Parameters
    ----------
    planned
        The runs and their splits.
    network
        What they train.
    labelled
        The galaxies of the splits.
    identity
        What all results say first.
    inputs
        Files that the results follow from.
    labels
        The file of the labels.
    learned_from
        What is known of the weights.
    after
        Called after a run. It needs the trained network, so that no run counts as finished.
    """
    from workflow.lib.finetune.galaxies import load_galaxies

    pixels, names, known = labelled
    how, written = network.settings._asdict(), []
    for run, split in planned:
        folder = unfinished_folder(run.metrics, [identity, how, run.size, run.seed], inputs, CODE)
        finished = folder / "result.json"
        if after or not intact(finished):
            began = time.monotonic()
            models = network.run(load_galaxies(split, pixels, known, names), run.seed, folder)
            result = {
                **identity,
                "size": run.size,
                "repeat": run.repeat,
                "seed": run.seed,
                "weights": learned_from,
                "labels": {"sha256": checksum(labels)},
                "galaxies": _counts(split, known),
                "settings": how,
                "models": models,
                "seconds": round(time.monotonic() - began, 3),
                **_machine(),
            }
            write_json(result, finished)
        if after:
            after(run, split)
        write_text(finished.read_text(), run.metrics)
        written.append(run.metrics)
        log.info("%s is written", run.metrics)
    for metrics in written:
        remove_unfinished(metrics)


def _weights_used(weights: str | Path) -> dict[str, Any]:
    """Describe the weights that a run starts from."""
    content = read_description(weights)
    return {name: content[name] for name in USED} | {"sha256": checksum(weights)}


def _counts(split: Split, known: np.ndarray) -> dict[str, int]:
    """Count the galaxies of a run."""
    unique = np.unique(split.train)
    return {
        "train": len(split.train),
        "unique": len(unique),
        "labelled": int(known[unique].sum()),
        "validation": len(split.validation),
        "test": len(split.test),
    }


def _machine() -> dict[str, Any]:
    import keras

    from workflow.lib.network.devices import count_gpus

    return {
        "device": keras.distribution.list_devices("gpu" if count_gpus() else "cpu")[0],
        "versions": {"keras": keras.__version__, "backend": keras.backend.backend()},
        "code": digest(CODE),
    }
