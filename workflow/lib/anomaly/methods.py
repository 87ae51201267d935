"""Methods to search for galaxies that interest a user, by name (paper Sec. 3.2)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from sklearn.ensemble import IsolationForest, RandomForestRegressor

from workflow.lib.anomaly.active_learning import (
    HIGHEST,
    GaussianProcessSettings,
    Rater,
    first_batch,
    next_step,
)
from workflow.lib.common.errors import UserError
from workflow.lib.similarity.nearest import smallest


class Found(NamedTuple):
    """The result of a search among n galaxies."""

    rows: np.ndarray
    """Shape (m,), int64: the galaxies rated, in order of rating."""
    ratings: np.ndarray
    """Shape (m,), int: their ratings."""
    interest: np.ndarray
    """Shape (n,): the score by which galaxies are ranked."""
    rarity: np.ndarray | None = None
    """Shape (n,): by which galaxies were chosen before any was rated; None if they were drawn."""


def search(name: str, vectors: np.ndarray, rater: Rater, ratings: int, **settings: Any) -> Found:
    """Search by one of `SEARCHES`.

    Parameters
    ----------
    name
        A key of `SEARCHES`.
    vectors, rater, ratings, settings
        As for that function.

    Raises
    ------
    UserError
        If there are fewer galaxies than ratings.
    """
    if len(vectors) < ratings:
        raise UserError(
            f"{len(vectors)} galaxies are fewer than are to be rated; lower 'anomalies.ratings' "
            f"({ratings})"
        )
    return SEARCHES[name](vectors, rater, ratings, **settings)


def by_gaussian_process(
    vectors: np.ndarray,
    rater: Rater,
    ratings: int,
    *,
    seed: int,
    threads: int | None = None,
    first: str = "random",
    **settings: Any,
) -> Found:
    """Search by active learning with a Gaussian process: the paper's method.

    Parameters
    ----------
    vectors
        Shape (n, d), standardised.
    rater
        Gives the ratings.
    ratings
        Number of galaxies to rate.
    seed
        Sets the first batch and the restarts of each fit.
    threads
        By default, as many as the process has cores.
    first
        A key of `FIRST_BATCHES`.
    settings
        The fields of `active_learning.GaussianProcessSettings`.

    Returns
    -------
    Found
    """
    settings = GaussianProcessSettings(**settings)
    rows = FIRST_BATCHES[first](vectors, min(settings.batch, ratings), seed)
    given = rater.rate(rows)
    while True:
        step = next_step(vectors, rows, given, settings, seed, threads)
        batch = step.batch[: ratings - len(rows)]
        if not len(batch):
            return Found(rows, given, step.interest)
        rows = np.concatenate([rows, batch])
        given = np.concatenate([given, rater.rate(batch)])


def draw_first(vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Draw the galaxies to rate first at random."""
    return first_batch(len(vectors), count, seed)


def choose_rarest(vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Choose the rarest galaxies to rate first (paper, footnote 10)."""
    return smallest(-rarity_of(vectors, seed), count)


FIRST_BATCHES: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "random": draw_first,
    "isolation-forest": choose_rarest,
}
"""How a search by a Gaussian process chooses the first batch, when nothing is rated yet."""


def rarity_of(
    vectors: np.ndarray, seed: int, trees: int = 100, threads: int | None = None
) -> np.ndarray:
    """Compute how rare galaxies are among these by an isolation forest, on the scale of ratings.

    Returns
    -------
    numpy.ndarray
        Shape (n,), from 0 to `active_learning.HIGHEST`.
    """
    forest = IsolationForest(n_estimators=trees, random_state=seed, n_jobs=threads or -1)
    rarity = -forest.fit(vectors).decision_function(vectors)
    return HIGHEST * (rarity - rarity.min()) / np.ptp(rarity)


def by_isolation_forest(
    vectors: np.ndarray,
    rater: Rater,
    ratings: int,
    *,
    seed: int,
    threads: int | None = None,
    trees: int,
    alpha: float,
    floor: float,
    slope: float,
) -> Found:
    """Search among the rarest galaxies: the baseline (Lochner & Bassett 2021).

    Parameters
    ----------
    vectors, rater, ratings
        As for `by_gaussian_process`.
    seed
        Sets both forests.
    threads
        As for `by_gaussian_process`.
    trees
        Number of trees in each forest.
    alpha, floor, slope
        As for `modulate`.

    Returns
    -------
    Found
    """
    cores = threads or -1
    rarity = rarity_of(vectors, seed, trees, threads)
    rows = smallest(-rarity, ratings)
    given = rater.rate(rows)
    regressor = RandomForestRegressor(trees, random_state=seed, n_jobs=cores)
    regressor.fit(vectors[rows], given)
    away, _ = cKDTree(vectors[rows]).query(vectors, workers=cores)
    liked = regressor.predict(vectors)
    return Found(rows, given, modulate(rarity, liked, away, alpha, floor, slope), rarity)


def modulate(
    rarity: np.ndarray,
    liked: np.ndarray,
    away: np.ndarray,
    alpha: float,
    floor: float,
    slope: float,
) -> np.ndarray:
    """Lower the rarity of galaxies that are similar to those rated as boring.

    Parameters
    ----------
    rarity
        Shape (n,), 0 to 5.
    liked
        Shape (n,): predicted rating.
    away
        Shape (n,): distance to the nearest rated galaxy.
    alpha
        Weight of the distance.
    floor, slope
        Fraction of the rarity that is kept next to a boring galaxy, and how much larger that
        fraction is next to the most interesting one.

    Returns
    -------
    numpy.ndarray
        Shape (n,): equal to `rarity` far from all rated galaxies, lower near boring ones.
    """
    kept = floor + slope * np.clip(liked, 0.1, HIGHEST) / HIGHEST
    # Clipped so that the exponential does not overflow; from here on nothing is lowered anyway.
    far = np.minimum(alpha * away / (away.mean() or 1), 100)
    return rarity * np.tanh(np.expm1(far) + np.arctanh(kept))


SEARCHES: dict[str, Callable[..., Found]] = {
    "gaussian-process": by_gaussian_process,
    "isolation-forest": by_isolation_forest,
}
"""What `anomalies.methods` may name. To add a search, add a function here."""
