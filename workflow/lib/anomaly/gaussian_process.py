"""Gaussian processes fitted to few known values, with predictions for many galaxies (Sec. 3.2).

The fit to hundreds of galaxies is in float64. Predictions for millions are in float32, in blocks
and by several threads, so that a user does not wait and memory stays small.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import dpotri
from scipy.optimize import minimize
from scipy.spatial.distance import pdist, squareform
from threadpoolctl import ThreadpoolController

from workflow.lib.common.errors import UserError

BLOCK_VALUES = 2**17
"""Values in a block of covariances: half a MiB of float32, which fits a core's own cache."""


class Limits(NamedTuple):
    """Where hyperparameters may lie. Logarithms, a row each for length, shape and noise."""

    bounds: np.ndarray
    """Shape (3, 2): the smallest and the largest."""
    start: np.ndarray
    """Shape (3,): where each fit starts."""
    restarts: np.ndarray
    """Shape (3, 2): between these, further fits start."""
    relative: bool
    """Whether lengths are in units of the median distance between known values."""


LIMITS = {
    # The smallest noise is that of rounding to whole ratings: variance 1/12.
    "ours": Limits(
        np.log([(1e-3, 1e3), (1e-2, 1e2), (1 / 12, 1e2)]),
        np.log([1.0, 1.0, 0.3]),
        np.log([(0.1, 10), (0.1, 10), (0.1, 1)]),
        relative=True,
    ),
    # Those of scikit-learn's kernels, which the authors' code leaves unchanged.
    "authors": Limits(
        np.log([(1e-5, 1e5)] * 3), np.zeros(3), np.log([(1e-5, 1e5)] * 3), relative=False
    ),
}
"""Limits of the hyperparameters by name."""

TOLERANCE = 1e-6
"""The fit stops when a step improves the log likelihood by less than this fraction."""

Kernel = Callable[..., np.ndarray | tuple[np.ndarray, np.ndarray, np.ndarray]]


def rational_quadratic(
    squares: np.ndarray, shape: float, slopes: bool = False
) -> np.ndarray | tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute (1 + s / 2a)^-a: a mixture of Gaussians, of more varied lengths for small a.

    Parameters
    ----------
    squares
        s, the squared distances in units of the squared length. Any shape, any float.
    shape
        a.
    slopes
        Whether to return also the derivatives of the covariance by s and by the logarithm of a.
        If not, `squares` may be overwritten: allocating memory would take longer than computing.

    Returns
    -------
    numpy.ndarray or tuple of three
        Shape and dtype of `squares`; at distance 0 the covariance is 1 and its slope by a is 0.
    """
    if not slopes:
        squares *= 0.5 / shape
        np.log1p(squares, out=squares)
        squares *= -shape
        return np.exp(squares, out=squares)
    base = 1 + squares / (2 * shape)
    logarithm = np.log1p(squares / (2 * shape))
    covariance = np.exp(-shape * logarithm)
    by_square = -covariance / (2 * base)
    by_shape = covariance * (squares / (2 * base) - shape * logarithm)
    return covariance, by_square, by_shape


def matern(
    squares: np.ndarray, shape: float, slopes: bool = False
) -> np.ndarray | tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the Matern covariance with nu = 3/2 (differentiable once); `shape` has no effect.

    Parameters and returns are those of `rational_quadratic`.
    """
    scaled = np.sqrt(3 * squares)
    decay = np.exp(-scaled)
    covariance = (1 + scaled) * decay
    return (covariance, -1.5 * decay, np.zeros_like(squares)) if slopes else covariance


def rbf(
    squares: np.ndarray, shape: float, slopes: bool = False
) -> np.ndarray | tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute exp(-s / 2), a Gaussian of the distance; `shape` has no effect.

    Parameters and returns are those of `rational_quadratic`.
    """
    covariance = np.exp(-squares / 2)
    return (covariance, -covariance / 2, np.zeros_like(squares)) if slopes else covariance


KERNELS: dict[str, Kernel] = {
    "rational-quadratic": rational_quadratic,
    "matern": matern,
    "rbf": rbf,
}
"""Kernels of `fit` and `predict` by name. To add one, add a function here."""


@dataclass(frozen=True)
class GaussianProcess:
    """A fitted process of mean 0, with a kernel of variance 1 and white noise."""

    kernel: str
    """A name of `KERNELS`."""
    length: float
    """Distance over which values are similar, in units of the vectors."""
    shape: float
    """Shape parameter of the kernel."""
    noise: float
    """Variance of the white noise; included in every predicted variance."""
    known: np.ndarray
    """Shape (m, d), float64: the vectors with known values."""
    root: np.ndarray
    """Shape (m, m), float64, lower triangle: the Cholesky factor of the covariance."""
    whitened: np.ndarray
    """Shape (m,), float64: the inverse of `root` times the known values. With the inverse of the
    covariance instead, large numbers would cancel, for which float32 is not precise enough."""


def fit(
    vectors: np.ndarray,
    values: np.ndarray,
    kernel: str,
    restarts: int,
    seed: int,
    limits: str = "ours",
) -> GaussianProcess:
    """Fit length, shape and noise to known values by maximum marginal likelihood.

    Parameters
    ----------
    vectors
        Shape (m, d).
    values
        Shape (m,): the known values.
    kernel
        A name of `KERNELS`.
    restarts
        Number of random starting points, besides a fixed one; the best result is kept.
    seed
        Sets the random starting points.
    limits
        A name of `LIMITS`.

    Raises
    ------
    UserError
        If there are no values, or a vector or value is not finite.
    """
    vectors, values = np.asarray(vectors, np.float64), np.asarray(values, np.float64)
    if not len(values):
        raise UserError("no galaxy has been rated yet")
    if not (np.isfinite(vectors).all() and np.isfinite(values).all()):
        raise UserError("a rated galaxy has features or a rating that are not finite")
    squares = squareform(pdist(vectors, "sqeuclidean"))
    allowed = LIMITS[limits]
    unit = 1.0
    if allowed.relative and (squares > 0).any():
        unit = float(np.sqrt(np.median(squares[squares > 0])))
    known = squares / unit**2, values, KERNELS[kernel]
    draw = np.random.default_rng(seed)
    starts = [allowed.start, *(draw.uniform(*allowed.restarts.T) for _ in range(restarts))]
    with _one_thread_each():
        ends = [
            minimize(_loss, start, known, jac=True, bounds=allowed.bounds, tol=TOLERANCE)
            for start in starts
        ]
    length, shape, noise = np.exp(min(ends, key=lambda end: end.fun).x)
    return condition(vectors, values, kernel, length * unit, shape, noise)


def condition(
    vectors: np.ndarray,
    values: np.ndarray,
    kernel: str,
    length: float,
    shape: float,
    noise: float,
) -> GaussianProcess:
    """Make a process with given hyperparameters from known values.

    Parameters
    ----------
    vectors, values, kernel
        As for `fit`.
    length, shape, noise
        As in `GaussianProcess`.
    """
    squares = squareform(pdist(vectors, "sqeuclidean"))
    with _one_thread_each():
        root = _root(KERNELS[kernel](squares / length**2, shape), noise)
        whitened = solve_triangular(root, values, lower=True)
    return GaussianProcess(kernel, length, shape, noise, vectors, root, whitened)


def log_likelihood(
    logs: np.ndarray, squares: np.ndarray, values: np.ndarray, kernel: Kernel
) -> tuple[float, np.ndarray]:
    """Compute the log marginal likelihood of known values, and its slopes.

    Rasmussen & Williams 2006, eq. 2.30 and 5.9.

    Parameters
    ----------
    logs
        Shape (3,): logarithms of length, shape and noise.
    squares
        Shape (m, m): squared distances.
    values
        Shape (m,).
    kernel
        One of `KERNELS`.

    Returns
    -------
    likelihood : float
    slopes : numpy.ndarray
        Shape (3,): derivatives by `logs`.
    """
    length, shape, noise = np.exp(logs)
    scaled = squares / length**2
    covariance, by_square, by_shape = kernel(scaled, shape, slopes=True)
    root = _root(covariance, noise)
    weights = cho_solve((root, True), values, check_finite=False)
    half = -0.5 * values @ weights - np.log(np.diag(root)).sum()
    inverse, _ = dpotri(root, lower=1, overwrite_c=1)  # only the lower triangle; 0 above

    def slope(change: np.ndarray) -> float:
        # On the diagonal `change` is 0, so the full sum is twice that of the lower triangle.
        return 0.5 * weights @ change @ weights - np.vdot(inverse, change)

    by_square *= scaled
    by_noise = 0.5 * noise * (weights @ weights - inverse.trace())
    slopes = np.array([-2 * slope(by_square), slope(by_shape), by_noise])
    return half - 0.5 * len(values) * np.log(2 * np.pi), slopes


def predict(
    process: GaussianProcess, vectors: np.ndarray, threads: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Predict values and their standard deviations.

    Parameters
    ----------
    process
        Fitted to m values.
    vectors
        Shape (n, d); may be a memory map. Those that are not finite get no finite prediction.
    threads
        By default, as many as the process has cores.

    Returns
    -------
    mean, deviation : numpy.ndarray
        Shape (n,), float32: the mean, and the standard deviation including the noise.
    """
    known, vectors = process.known, vectors.view(np.ndarray)  # slicing a memory map is slow
    centre, step = known.mean(axis=0), max(1, BLOCK_VALUES // len(known))
    # Squared distances to the known vectors as one matrix product: |x|^2 - 2 x k + |k|^2.
    turned = np.vstack([-2 * (known - centre).T, np.ones(len(known))])
    turned = np.vstack([turned, np.square(known - centre).sum(axis=1)]) / process.length**2
    inverse = solve_triangular(process.root, np.eye(len(known)), lower=True)
    whiten = np.ascontiguousarray(inverse.T, np.float32)
    whitened, shape = process.whitened.astype(np.float32), np.float32(process.shape)
    kernel = KERNELS[process.kernel]
    mean, deviation = np.empty((2, len(vectors)), np.float32)
    starts = iter(range(0, len(vectors), step))

    def work(_: int) -> None:
        # Reused for every block: allocating memory would take longer than computing.
        place = np.ones((step, len(turned)))
        wide = np.empty((step, len(known)))
        narrow, white = np.empty((2, step, len(known)), np.float32)
        for start in starts:
            block = vectors[start : start + step]
            count = len(block)
            np.subtract(block, centre, out=place[:count, :-2])
            np.einsum("ij,ij->i", *[place[:count, :-2]] * 2, out=place[:count, -2])
            # In float64, since this is a small difference of large squares.
            squares = np.matmul(place[:count], turned, out=wide[:count])
            squares = np.maximum(squares, 0, out=narrow[:count], casting="same_kind")
            covariance = kernel(squares, shape)
            explained = np.matmul(covariance, whiten, out=white[:count])
            np.matmul(explained, whitened, out=mean[start : start + count])
            left = 1 + process.noise - np.einsum("ij,ij->i", explained, explained)
            deviation[start : start + count] = np.sqrt(np.maximum(left, process.noise))

    threads = threads or len(os.sched_getaffinity(0))
    with _one_thread_each(), ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    return mean, deviation


@cache
def _blas() -> ThreadpoolController:
    # Finding the loaded libraries takes milliseconds, hence the cache.
    return ThreadpoolController().select(user_api="blas")


def _one_thread_each() -> AbstractContextManager:
    """Let each matrix product use only the thread that calls it.

    Ours are small: with several threads they would wait for each other longer than they compute.
    """
    return _blas().limit(limits=1)


def _root(covariance: np.ndarray, noise: float) -> np.ndarray:
    """Compute the Cholesky factor, lower triangle, of a covariance with noise."""
    covariance = covariance.copy()
    covariance[np.diag_indices_from(covariance)] += noise
    return cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)


def _loss(logs: np.ndarray, *known: np.ndarray) -> tuple[float, np.ndarray]:
    """Negate likelihood and slopes, for a function that minimises."""
    likelihood, slopes = log_likelihood(logs, *known)
    return -likelihood, -slopes
