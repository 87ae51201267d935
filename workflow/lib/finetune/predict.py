"""A fine-tuned classifier: kept, and applied to every galaxy of a survey (paper Sec. 4)."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from workflow.lib.encoder import load_encoder, save_encoder
from workflow.lib.errors import UserError
from workflow.lib.files import atomic_path, write_text
from workflow.lib.labels import Split
from workflow.lib.tables import read_table, write_parquet

if TYPE_CHECKING:
    import keras

UNSEEN = "unseen"
"""In the place of a set: galaxies that were neither trained on, nor chosen or scored by."""


class Kept(NamedTuple):
    """The files of a fine-tuned classifier."""

    weights: str | Path
    """Of the encoder, with its json beside it: usable wherever an encoder is."""
    head: str | Path
    """NumPy archive: kernel and bias of each dense layer."""
    split: str | Path
    """CSV: iauname, set, of each galaxy in a set."""


def keep_classifier(
    encoder: "keras.Model",
    head: "keras.Model",
    files: Kept,
    *,
    training: Mapping[str, Any],
    seed: int,
    split: Split,
    names: Sequence[str],
) -> None:
    """Write a trained classifier.

    Parameters
    ----------
    encoder, head
        From images to representations, and from those to logits.
    files
        Those to write.
    training, seed
        As for `encoder.save_encoder`; the task is named by ``training["task"]``.
    split, names
        Who the galaxies of its sets are: rows, and iaunames.
    """
    label = f"fine-tuned to find '{training['task']}'"
    save_encoder(encoder, files.weights, label=label, training=training, seed=seed)
    with atomic_path(files.head) as temporary, temporary.open("wb") as file:
        np.savez(file, *head.get_weights())
    sets = {"train": np.unique(split.train), "validation": split.validation, "test": split.test}
    rows = [(names[row], name) for name, members in sets.items() for row in members]
    write_text(pd.DataFrame(rows, columns=["iauname", "set"]).to_csv(index=False), files.split)


def read_classifier(path: str | Path) -> list[np.ndarray]:
    """Read kernel and bias of each dense layer, in turn; raise `UserError` if it has none."""
    try:
        with np.load(path) as file:
            return [file[name] for name in file.files]
    except Exception as error:
        raise UserError(f"{path}: not the head of a fine-tuned network ({error})") from error


def probabilities(layers: Sequence[np.ndarray], vectors: np.ndarray) -> np.ndarray:
    """Give the probability of the label, shape (n,), for representations (n, 1280)."""
    for kernel, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        vectors = np.maximum(vectors @ kernel + bias, 0)
    return expit(vectors @ layers[-2] + layers[-1])[:, 0].astype(np.float32)


def predict_labels(
    shards: Sequence[str | Path],
    classifier: Kept,
    predictions: str | Path,
    *,
    same_survey: bool,
    crop_size: int,
    batch_size: int,
    seed: int,
    views: int,
) -> None:
    """Write the probability that each galaxy of a survey has the label.

    Parameters
    ----------
    shards
        The survey's cutout shards.
    classifier
        By `keep_classifier`.
    predictions
        Parquet to write: iauname, probability (float32), and set: train, validation, test, or
        unseen.
    same_survey
        Whether it is the survey that the classifier was trained on.
    crop_size, batch_size, seed, views
        As for `embed.embed_shard`.
    """
    from workflow.lib.embed import answer_all

    encoder, _ = load_encoder(classifier.weights, crop_size)
    layers = read_classifier(classifier.head)
    names, found = answer_all(
        partial(probabilities, layers), encoder, shards,
        batch_size=batch_size, seed=seed, views=views, origin=classifier.weights,
    )  # fmt: skip
    members = read_table(classifier.split, text=["iauname"]).set_index("iauname")["set"].to_dict()
    table = {
        "iauname": names,
        "probability": found,
        "set": [members.get(name, UNSEEN) if same_survey else UNSEEN for name in names],
    }
    write_parquet(pd.DataFrame(table), predictions)
