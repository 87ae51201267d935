"""The galaxies of a fine-tuning run, with their images on the device that trains."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from workflow.lib.common.name_seeds import name_keys
from workflow.lib.finetune.backend import Tensor, on_device
from workflow.lib.finetune.splits import Split


class Part(NamedTuple):
    """One of the sets of a split."""

    rows: np.ndarray
    """Rows of the images on the device, shape (n,)."""
    labels: np.ndarray
    """Shape (n,), bool."""
    keys: np.ndarray
    """Shape (n,), for `views.draw_views`; copies of a galaxy differ in theirs."""


class Galaxies(NamedTuple):
    """The galaxies of a run."""

    images: Tensor
    """On the device: shape (unique galaxies, size, size, channels), uint8."""
    train: Part
    validation: Part
    test: Part


def load_galaxies(
    split: Split, images: np.ndarray, labels: np.ndarray, names: Sequence[str]
) -> Galaxies:
    """Copy the galaxies of a split, and only those, to the device.

    Parameters
    ----------
    split
        Rows of all labelled galaxies.
    images, labels, names
        Those of all labelled galaxies; the images may be memory-mapped.
    """
    unique = np.unique(np.concatenate([split.train, split.validation, split.test]))

    def part(rows: np.ndarray, copies: np.ndarray) -> Part:
        each = zip(rows, copies, strict=True)
        seen = [f"{names[row]} copy {copy}" if copy else names[row] for row, copy in each]
        return Part(np.searchsorted(unique, rows), labels[rows], name_keys(seen))

    return Galaxies(
        on_device(np.ascontiguousarray(images[unique])),
        part(split.train, split.copies),
        part(split.validation, np.zeros(len(split.validation), int)),
        part(split.test, np.zeros(len(split.test), int)),
    )
