"""Active learning of what somebody finds interesting: which galaxies to rate next (paper Sec. 3.2).

A `Rater` answers at once, as labels do that simulate a person (`LabelRater`). A person at the web
page takes time, and may take answers back: there, `app.hunt` goes through the same steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import ndtr

from workflow.lib.anomaly.gaussian_process import fit, predict
from workflow.lib.common.errors import UserError
from workflow.lib.similarity.nearest import smallest

HIGHEST = 5
"""Ratings are whole numbers from 0, boring, to this."""


CHUNK = 2**16
"""Galaxies whose usefulness is calculated at a time, so that memory stays bounded."""


class Rater(Protocol):
    """Somebody who is asked how interesting galaxies are."""

    def rate(self, rows: np.ndarray) -> np.ndarray:
        """Rate galaxies.

        Parameters
        ----------
        rows
            Shape (m,), int64: rows of the survey's table.

        Returns
        -------
        numpy.ndarray
            Shape (m,), whole numbers from 0 to `HIGHEST`.
        """
        ...


@dataclass(frozen=True)
class LabelRater:
    """Simulates a person by labels, such as the share of volunteers who called a galaxy odd."""

    labels: np.ndarray
    """Shape (n,): from 0 to 1."""

    def rate(self, rows: np.ndarray) -> np.ndarray:
        """Scale the labels to whole numbers (paper Sec. 3.3.1)."""
        return np.rint(self.labels[rows] * HIGHEST).astype(int)


@dataclass(frozen=True)
class Settings:
    """How somebody's interest is learned; `anomalies.searches.gaussian-process` in config."""

    batch: int
    """Galaxies rated before the model is fitted anew."""
    kernel: str
    """A name of `gaussian_process.KERNELS`."""
    acquisition: str
    """A name of `ACQUISITIONS`."""
    epsilon: float
    """Gains of interest smaller than this do not count."""
    restarts: int
    """Of the search for hyperparameters."""


class Step(NamedTuple):
    """What is known after some galaxies have been rated."""

    interest: np.ndarray
    """Shape (n,), float32: the predicted rating of every galaxy."""
    batch: np.ndarray
    """Shape (at most `Settings.batch`,), int64: the rows to rate next, the most useful first."""


def expected_improvement(
    mean: np.ndarray, deviation: np.ndarray, best: float, epsilon: float
) -> np.ndarray:
    """Give how much more interesting than the best one a galaxy can be expected to be (eq. 1).

    Parameters
    ----------
    mean, deviation
        Shape (n,): predicted ratings, and their standard deviations.
    best
        The highest rating so far.
    epsilon
        Smaller gains do not count.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, at least 0.
    """
    deviation = deviation.astype(np.float64)
    gain = mean - (best + epsilon)
    sigmas = gain / deviation
    density = np.exp(-0.5 * sigmas**2) / np.sqrt(2 * np.pi)
    return np.maximum(gain * ndtr(sigmas) + deviation * density, 0)


def highest_interest(
    mean: np.ndarray, deviation: np.ndarray, best: float, epsilon: float
) -> np.ndarray:
    """Give the predicted rating: see what is thought best, and learn nothing else."""
    return mean


def highest_uncertainty(
    mean: np.ndarray, deviation: np.ndarray, best: float, epsilon: float
) -> np.ndarray:
    """Give how unsure the rating is: learn about all galaxies alike."""
    return deviation


Acquisition = Callable[[np.ndarray, np.ndarray, float, float], np.ndarray]

ACQUISITIONS: dict[str, Acquisition] = {
    "expected-improvement": expected_improvement,
    "highest-interest": highest_interest,
    "highest-uncertainty": highest_uncertainty,
}
"""What decides which galaxies are rated, by name; a new one is one more function here."""


def first_batch(count: int, size: int, seed: int) -> np.ndarray:
    """Draw the galaxies to rate before anything is known.

    Parameters
    ----------
    count
        Galaxies there are.
    size
        Galaxies to draw.
    seed
        The same one draws the same galaxies.

    Returns
    -------
    numpy.ndarray
        Shape (size,), int64: different rows.

    Raises
    ------
    UserError
        If there are fewer galaxies than are to be drawn.
    """
    if count < size:
        raise UserError(f"{count} galaxies are too few to rate a batch of {size}")
    return np.random.default_rng(seed).choice(count, size, replace=False)


def next_step(
    vectors: np.ndarray,
    rows: np.ndarray,
    ratings: np.ndarray,
    settings: Settings,
    seed: int,
    threads: int | None = None,
) -> Step:
    """Learn from the ratings so far, and choose the galaxies to rate next.

    Parameters
    ----------
    vectors
        Shape (n, d): the features of every galaxy, of about the same scale (`standardise`).
    rows, ratings
        Shape (m,): galaxies rated, at least one, and how. They may all have the same rating.
    settings
        How to learn and to choose.
    seed
        Of the model's restarts.
    threads
        As many as the process has cores by default.

    Returns
    -------
    Step
        Its batch has none of `rows`; it is smaller than asked for when few are left.

    Raises
    ------
    UserError
        If no galaxy has been rated, or features or ratings are not finite.
    """
    rows = np.asarray(rows)
    process = fit(vectors[rows], ratings, settings.kernel, settings.restarts, seed)
    mean, deviation = predict(process, vectors, threads)
    if unusable := int((~np.isfinite(mean)).sum()):
        raise UserError(f"{unusable} of {len(vectors)} galaxies have features that are not finite")
    acquire, best = ACQUISITIONS[settings.acquisition], float(np.max(ratings))
    usefulness = np.empty(len(vectors))
    for start in range(0, len(vectors), CHUNK):
        part = slice(start, start + CHUNK)
        usefulness[part] = acquire(mean[part], deviation[part], best, settings.epsilon)
    usefulness[rows] = -np.inf
    left = len(vectors) - len(np.unique(rows))
    return Step(mean, smallest(-usefulness, min(settings.batch, left)))


def final_ranking(interest: np.ndarray, rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rank all galaxies, those that were rated by what is known of them.

    Parameters
    ----------
    interest
        Shape (n,): predicted for every galaxy.
    rows, known
        Shape (m,): galaxies rated, and what stands in the place of their prediction: their rating,
        or infinity for those that are to come first.

    Returns
    -------
    numpy.ndarray
        Shape (n,), int64: rows, the most interesting first; equals in the order of their
        predictions, then of their rows.
    """
    value = np.array(interest, np.float64)
    value[rows] = known
    return np.lexsort((-np.asarray(interest), -value))
