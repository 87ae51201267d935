"""The Dirichlet-multinomial distribution of votes, by SciPy, without a network (W+22)."""

import numpy as np
from scipy.optimize import minimize
from scipy.stats import dirichlet_multinomial


def mean_loss(counts: np.ndarray, concentrations: np.ndarray) -> float:
    """Compute the mean negative log-likelihood of votes on one question.

    Parameters
    ----------
    counts
        Shape (n, answers): how often each answer was given.
    concentrations
        Shape (n, answers), above 0.
    """
    votes = np.rint(counts).astype(int)
    logs = dirichlet_multinomial.logpmf(votes, concentrations.astype(float), votes.sum(axis=1))
    return float(-logs.mean())


def best_constant(counts: np.ndarray) -> np.ndarray:
    """Find the concentrations, shape (answers,), that maximise the likelihood of all these votes.

    Parameters
    ----------
    counts
        Shape (n, answers), of galaxies with at least one vote.
    """
    # The small share keeps the logarithm finite for an answer that no volunteer gave.
    shares = counts.sum(axis=0) / counts.sum() + 1e-3
    found = minimize(
        lambda logs: mean_loss(counts, np.broadcast_to(np.exp(logs), counts.shape)),
        np.log(5 * shares),
        method="Nelder-Mead",
        options={"maxiter": 4000, "maxfev": 4000, "xatol": 1e-3, "fatol": 1e-6},
    )
    return np.exp(found.x)
