"""How labelled galaxies are split into train, validation and test sets (Sec. 4.2.2)."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import read_table


def read_labels(path: str | Path) -> tuple[list[str], np.ndarray]:
    """Read iaunames, and labels as bool of shape (n,), from what `label_galaxies` wrote."""
    table = read_table(path, text=["iauname"])
    return table["iauname"].tolist(), table["label"].to_numpy(bool)


class Split(NamedTuple):
    """Rows of the labelled galaxies; each galaxy is in at most one of the three sets."""

    train: np.ndarray
    """Shape (size,); a galaxy with the label may occur several times."""
    copies: np.ndarray
    """Shape (size,): which copy of its galaxy each is, from 0."""
    validation: np.ndarray
    test: np.ndarray


def draw_split(
    labels: np.ndarray,
    *,
    size: int,
    validation_share: float,
    test_share: float,
    copies: int,
    seed: int,
    path: str | Path,
) -> Split:
    """Split labelled galaxies as the paper does, half with the label and half without (Sec. 4.2.2).

    Shares of the galaxies with the label are set aside for validation and test, and the same
    number of those without. The remaining galaxies with the label are repeated, and as many
    without are kept. Then random ones are dropped from the training set to leave `size`. This
    changes the balance of its classes at random, and does not change validation and test.

    Parameters
    ----------
    labels
        Shape (n,), bool.
    size
        Of the training set, copies included.
    validation_share, test_share
        Of the galaxies with the label.
    copies
        How often a galaxy with the label occurs in the full training set.
    seed
        Of all random draws.
    path
        The file of the labels, for messages.

    Raises
    ------
    UserError
        If a class has too few galaxies, or fewer than `size` remain to train on.
    """
    rng = np.random.default_rng(seed)
    have, have_not = (rng.permutation(np.flatnonzero(labels == one)) for one in (True, False))
    validated, aside, learned = set_sizes(
        len(have), len(have_not), size=size, validation_share=validation_share,
        test_share=test_share, copies=copies, path=path,
    )  # fmt: skip
    # Taken from the end, so that no galaxy set aside is among them.
    rings, others = have[-learned:], have_not[-copies * learned :]
    rows = np.concatenate([np.tile(rings, copies), others])
    number = np.concatenate([np.repeat(np.arange(copies), learned), np.zeros(len(others), int)])
    kept = rng.permutation(len(rows))[:size]
    return Split(
        rows[kept],
        number[kept],
        np.concatenate([have[:validated], have_not[:validated]]),
        np.concatenate([have[validated:aside], have_not[validated:aside]]),
    )


def set_sizes(
    have: int,
    have_not: int,
    *,
    size: int,
    validation_share: float,
    test_share: float,
    copies: int,
    path: str | Path,
) -> tuple[int, int, int]:
    """Count the galaxies of a class in each set; parameters and errors are those of `draw_split`.

    Parameters
    ----------
    have, have_not
        Galaxies with the label, and without.

    Returns
    -------
    validated, aside, learned : int
        Galaxies with the label in the validation set, in it and the test set, and in the full
        training set.
    """
    aside = _share(validation_share + test_share, min(have, have_not))
    validated = _share(validation_share, min(have, have_not))
    left = [_share(1 - validation_share - test_share, count) for count in (have, have_not)]
    learned = min(left[0], left[1] // copies)
    if not 0 < validated < aside or not learned:
        raise UserError(
            f"{path}: {have} galaxies with the label and {have_not} without are too few "
            f"for a validation share of {validation_share:g}, a test share of {test_share:g} and "
            f"{copies} copies (finetune.split)"
        )
    if size > 2 * copies * learned:
        raise UserError(
            f"{path}: at most {2 * copies * learned} can be trained on ({learned} galaxies with "
            f"the label, {copies} times each, and as many without), not {size}; "
            "lower 'finetune.sizes' (or 'compare.sizes')"
        )
    return validated, aside, learned


def _share(share: float, count: int) -> int:
    """Round a share of `count` down; 0.3 of 10 is 3, although 0.3 * 10 may be just less."""
    return math.floor(share * count + 1e-6)
