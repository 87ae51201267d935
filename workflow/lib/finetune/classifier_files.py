"""The files of a fine-tuned classifier."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path, write_text
from workflow.lib.finetune.splits import Split
from workflow.lib.network.encoder import save_encoder

if TYPE_CHECKING:
    import keras


class Kept(NamedTuple):
    """The files of a fine-tuned classifier."""

    weights: str | Path
    """Of the encoder, with its json beside it: usable wherever an encoder is."""
    head: str | Path
    """NumPy archive: kernel and bias of each dense layer, in order."""
    split: str | Path
    """CSV: iauname and set of each galaxy in train, validation or test."""


def keep_classifier(
    encoder: "keras.Model",
    layers: Sequence[np.ndarray],
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
    encoder
        From images to representations.
    layers
        Kernel and bias of each dense layer of the head, in order.
    files
        The files to write.
    training, seed
        As for `encoder.save_encoder`; ``training["task"]`` is the label's name.
    split, names
        The rows of each set, and the iaunames of all rows.
    """
    label = f"fine-tuned to find '{training['task']}'"
    save_encoder(encoder, files.weights, label=label, training=training, seed=seed)
    with atomic_path(files.head) as temporary, temporary.open("wb") as file:
        np.savez(file, *layers)
    sets = {"train": np.unique(split.train), "validation": split.validation, "test": split.test}
    rows = [(names[row], name) for name, members in sets.items() for row in members]
    write_text(pd.DataFrame(rows, columns=["iauname", "set"]).to_csv(index=False), files.split)


def read_classifier(path: str | Path) -> list[np.ndarray]:
    """Read kernel and bias of each dense layer, in order.

    Raises
    ------
    UserError
        If the file is not one of `keep_classifier`.
    """
    try:
        with np.load(path) as file:
            return [file[name] for name in file.files]
    except Exception as error:
        raise UserError(f"{path}: not the head of a fine-tuned network ({error})") from error
