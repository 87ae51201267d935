"""How sure an ordering is: by a bootstrap over the repeats of both sides."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Sample(NamedTuple):
    """The repeats of one side of a comparison, whose mean counts."""

    plus: np.ndarray
    """Shape (n,), at least one."""
    minus: np.ndarray | None = None
    """Shape (m,): if given, its mean is subtracted."""

    @property
    def mean(self) -> float:
        """The mean, or the difference of means."""
        return float(self.plus.mean() - (0 if self.minus is None else self.minus.mean()))

    @property
    def parts(self) -> list[np.ndarray]:
        """The sets of repeats."""
        return [self.plus] if self.minus is None else [self.plus, self.minus]


class Pair(NamedTuple):
    """Two sides of an ordering, of which the first should be more."""

    first: Sample
    other: Sample | float
    """Or a constant."""

    @property
    def means(self) -> tuple[float, float]:
        """The means of both sides."""
        other = self.other
        return self.first.mean, other.mean if isinstance(other, Sample) else other

    @property
    def difference(self) -> float:
        """How much more the first is."""
        first, other = self.means
        return first - other

    @property
    def repeats(self) -> int:
        """The smallest number of repeats of all sets."""
        sides = [self.first, *([self.other] if isinstance(self.other, Sample) else [])]
        return min(len(part) for side in sides for part in side.parts)


def sureness(pairs: Sequence[Pair], every: bool, draws: int, seed: Sequence[int]) -> float:
    """Give the share of bootstrap draws in which the first side is more.

    Each draw takes as many repeats as there are, with replacement, of each set of repeats.

    Parameters
    ----------
    pairs
        Comparisons that the ordering is made of, such as one for each size of the training set.
    every
        Whether the ordering must hold in each; otherwise in their mean.
    draws
        Number of draws.
    seed
        With the repeats, this alone determines the result.

    Returns
    -------
    float
        0 to 1. NaN if a set has one repeat only: then nothing can be said.
    """
    if min(pair.repeats for pair in pairs) < 2:
        return float("nan")
    rng = np.random.default_rng(seed)
    drawn = np.array([_differences(pair, draws, rng) for pair in pairs])
    holds = (drawn > 0).all(axis=0) if every else drawn.mean(axis=0) > 0
    return float(holds.mean())


def _differences(pair: Pair, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the difference of a pair, shape (draws,)."""
    first = _means(pair.first, draws, rng)
    return first - (
        _means(pair.other, draws, rng) if isinstance(pair.other, Sample) else pair.other
    )


def _means(sample: Sample, draws: int, rng: np.random.Generator) -> np.ndarray:
    plus, *minus = (
        part[rng.integers(len(part), size=(draws, len(part)))].mean(axis=1) for part in sample.parts
    )
    return plus - minus[0] if minus else plus
