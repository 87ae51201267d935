"""Active learning of a user's interest: which galaxies to rate next (paper Sec. 3.2).

A `Rater` answers at once, like the labels that simulate a user (`LabelRater`). A user of the web
page takes time and may undo ratings, so `app.hunt` calls the same steps by itself.
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
"""Ratings are whole numbers from 0 (boring) to this (most interesting)."""

CHUNK = 2**16
"""Galaxies whose usefulness is computed at a time, to limit memory."""


class Rater(Protocol):
    """A user, real or simulated, who says how interesting galaxies are."""

    def rate(self, rows: np.ndarray) -> np.ndarray:
        """Rate galaxies.

        Parameters
        ----------
        rows
            Shape (m,), int64: rows of the table of candidates.

        Returns
        -------
        numpy.ndarray
            Shape (m,), whole numbers from 0 to `HIGHEST`.
        """
        ...


@dataclass(frozen=True)
class LabelRater:
    """Simulates a user by labels, such as the fraction of volunteers who called a galaxy odd."""

    labels: np.ndarray
    """Shape (n,), 0 to 1."""

    def rate(self, rows: np.ndarray) -> np.ndarray:
        """Scale the labels to whole numbers (paper Sec. 3.3.1)."""
        return np.rint(self.labels[rows] * HIGHEST).astype(int)


@dataclass(frozen=True)
class GaussianProcessSettings:
    """How a user's interest is learned; `anomalies.searches.gaussian-process` in config."""

    batch: int
    """Galaxies to rate before the model is fitted again."""
    kernel: str
    """A name of `gaussian_process.KERNELS`."""
    acquisition: str
    """A name of `ACQUISITIONS`."""
    epsilon: float
    """Smallest gain over the highest rating that counts as an improvement [rating]."""
    restarts: int
    """Random starting points of the hyperparameters' fit, besides a fixed one."""
    limits: str = "ours"
    """A name of `gaussian_process.LIMITS`."""


class Step(NamedTuple):
    """The result of learning from the ratings so far."""

    interest: np.ndarray
    """Shape (n,), float32: the predicted rating of every galaxy."""
    batch: np.ndarray
    """Shape (m,), int64, m at most the settings' `batch`: rows to rate next, most useful first."""


def expected_improvement(
    mean: np.ndarray, deviation: np.ndarray, best: float, epsilon: float
) -> np.ndarray:
    """Compute by how much a galaxy is expected to exceed the highest rating so far (eq. 1).

    Parameters
    ----------
    mean, deviation
        Shape (n,): predicted ratings, and their standard deviations.
    best
        The highest rating so far.
    epsilon
        Smallest gain that counts as an improvement.

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
    """Return the predicted rating: show the best galaxies, without exploring others."""
    return mean


def highest_uncertainty(
    mean: np.ndarray, deviation: np.ndarray, best: float, epsilon: float
) -> np.ndarray:
    """Return the uncertainty of the rating: explore all kinds of galaxies equally."""
    return deviation


Acquisition = Callable[[np.ndarray, np.ndarray, float, float], np.ndarray]

ACQUISITIONS: dict[str, Acquisition] = {
    "expected-improvement": expected_improvement,
    "highest-interest": highest_interest,
    "highest-uncertainty": highest_uncertainty,
}
"""Functions that say how useful it is to rate each galaxy. To add one, add a function here."""


def first_batch(count: int, size: int, seed: int) -> np.ndarray:
    """Draw the galaxies to rate first, when nothing is known yet.

    Parameters
    ----------
    count
        Number of galaxies.
    size
        Number to draw.
    seed
        Equal seeds draw equal galaxies.

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
    settings: GaussianProcessSettings,
    seed: int,
    threads: int | None = None,
) -> Step:
    """Learn from the ratings so far, and choose the galaxies to rate next.

    Parameters
    ----------
    vectors
        Shape (n, d): the features of all galaxies, on similar scales (`candidates.standardise`).
    rows, ratings
        Shape (m,): the galaxies rated, at least one, and their ratings, which may all be equal.
    settings
        How to learn and to choose.
    seed
        Sets the restarts of the fit.
    threads
        By default, as many as the process has cores.

    Returns
    -------
    Step
        Its batch has none of `rows`; it is smaller than `settings.batch` if fewer galaxies remain.

    Raises
    ------
    UserError
        If no galaxy has been rated, or features or ratings are not finite.
    """
    rows = np.asarray(rows)
    process = fit(vectors[rows], ratings, settings.kernel, settings.restarts, seed, settings.limits)
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
    """Rank all galaxies: rated ones by what is known about them, others by prediction.

    Parameters
    ----------
    interest
        Shape (n,): predicted for all galaxies.
    rows, known
        Shape (m,): the galaxies rated, and the value used instead of their prediction: their
        rating, or infinity for those that come first.

    Returns
    -------
    numpy.ndarray
        Shape (n,), int64: rows, the most interesting first; ties in the order of their
        predictions, then of their rows.
    """
    value = np.array(interest, np.float64)
    value[rows] = known
    return np.lexsort((-np.asarray(interest), -value))
