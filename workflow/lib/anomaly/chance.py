"""The scores that a method would have if it chose the galaxies to rate at random.

A method that ranks rated galaxies by what is known about them scores well even if it chose them at
random: the anomalies among them come first. So this is what its scores must be compared with, not
the scores of a random order. All values here are exact expectations; nothing is drawn.
"""

import numpy as np
from scipy.special import digamma
from scipy.stats import hypergeom


def chance_by_rank(galaxies: int, anomalies: int, known: int, longest: int) -> np.ndarray:
    """Compute the probability that a random rater's galaxy at each rank is an anomaly.

    The ranking is that of `active_learning.final_ranking`: of `known` galaxies drawn at random,
    those that are anomalies come first and the others last. All other galaxies are between them in
    random order.

    Parameters
    ----------
    galaxies, anomalies
        Number of galaxies to search, and how many of them are anomalies, at least one.
    known
        Number of galaxies rated and ranked by that; 0 gives a random order.
    longest
        Number of ranks wanted.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, n the smaller of `longest` and `galaxies`. Accuracy and rank weighted
        score are linear in it: those of these probabilities are the ones expected of a random
        rater.
    """
    found, weight = _found(galaxies, anomalies, known)
    rank = np.arange(1, min(longest, galaxies) + 1)
    unknown = galaxies - known
    chance = np.zeros(len(rank))
    for first, probability in zip(found, weight, strict=True):
        share = (anomalies - first) / max(unknown, 1)
        chance += probability * np.where(rank <= first, 1, share * (rank <= first + unknown))
    return chance


def chance_precision(galaxies: int, anomalies: int, known: int = 0) -> float:
    """Compute the average precision expected of a random rater.

    Let `first` anomalies be known. The galaxy at rank `first` + j, of those that are not known, is
    an anomaly with the same probability for every j. If it is one, the expected share of anomalies
    among the j - 1 unknown galaxies before it is that among all other unknown galaxies (`others`),
    so that the accuracy down to its rank is (first + 1 + (j - 1) others) / (first + j). The sum
    over j has a closed form, since that of 1 / (first + j) is a difference of digamma functions.

    Parameters
    ----------
    galaxies, anomalies, known
        As for `chance_by_rank`.

    Returns
    -------
    float
        0 to 1.
    """
    first, weight = _found(galaxies, anomalies, known)
    unknown, left = galaxies - known, anomalies - first
    others = np.maximum(left - 1, 0) / max(unknown - 1, 1)
    harmonic = digamma(first + unknown + 1) - digamma(first + 1)
    summed = unknown * others + (1 - others) * (first + 1) * harmonic
    precision = (first + left / max(unknown, 1) * summed) / anomalies
    return float(weight @ precision)


def _found(galaxies: int, anomalies: int, known: int) -> tuple[np.ndarray, np.ndarray]:
    """List how many anomalies can be among the known galaxies, and the probability of each."""
    found = np.arange(max(0, known - galaxies + anomalies), min(known, anomalies) + 1)
    return found, hypergeom.pmf(found, galaxies, anomalies, known)
