"""Gaussian processes of few known values and many places to predict (paper Sec. 3.2).

Fitted in float64 to hundreds of galaxies; predicted in float32 for millions, a block at a time in
several threads, so that a person does not wait and memory stays bounded.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import dpotri
from scipy.optimize import minimize
from scipy.spatial.distance import pdist, squareform
from threadpoolctl import ThreadpoolController

from workflow.lib.common.errors import UserError

BLOCK_VALUES = 2**17
"""Values in a block of covariances: half a MiB of float32, which stays in a core's own cache."""

LIMITS = np.log([(1e-3, 1e3), (1e-2, 1e2), (1 / 12, 1e2)])
"""Logarithms of the smallest and largest length (in units of the median distance of known values),
shape and noise. The variance of what rounding adds to a whole number, as a rating is, is 1/12."""

TOLERANCE = 1e-6
"""Share of the log likelihood that a step must gain for the search to go on."""

Kernel = Callable[..., np.ndarray | tuple[np.ndarray, np.ndarray, np.ndarray]]


def rational_quadratic(
    squares: np.ndarray, shape: float, slopes: bool = False
) -> np.ndarray | tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give (1 + s / 2a)^-a: a mixture of Gaussians of many lengths, wide for small a.

    Parameters
    ----------
    squares
        s, the squared distances in units of the squared length. Any shape, any float.
    shape
        a.
    slopes
        Whether to give, beside the covariance, its derivatives by s and by the logarithm of a.
        Without them, `squares` may be overwritten: fresh memory would take longer than the sums.

    Returns
    -------
    numpy.ndarray or tuple of three
        Shape and dtype of `squares`; at distance 0 the covariance is 1, its slope by a is 0.
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
    """Give the Matern covariance of a function with one derivative (nu = 3/2); it has no shape.

    Parameters and returns are those of `rational_quadratic`.
    """
    scaled = np.sqrt(3 * squares)
    decay = np.exp(-scaled)
    covariance = (1 + scaled) * decay
    return (covariance, -1.5 * decay, np.zeros_like(squares)) if slopes else covariance


KERNELS: dict[str, Kernel] = {"rational-quadratic": rational_quadratic, "matern": matern}
"""What `fit` and `predict` know by name; a new one is one more function here."""


@dataclass(frozen=True)
class GaussianProcess:
    """A fitted process of mean 0, whose kernel has the variance 1, with white noise."""

    kernel: str
    """A name of `KERNELS`."""
    length: float
    """Distance over which values are alike, in units of the vectors."""
    shape: float
    """Of the kernel."""
    noise: float
    """Variance of the white noise; part of every predicted variance."""
    known: np.ndarray
    """Shape (m, d), float64: where values are known."""
    root: np.ndarray
    """Shape (m, m), float64, lower triangle: the Cholesky factor of the covariance."""
    whitened: np.ndarray
    """Shape (m,), float64: the inverse of that, times the known values. By the inverse of the whole
    covariance, large numbers would have to cancel, which float32 cannot do."""


def fit(
    vectors: np.ndarray, values: np.ndarray, kernel: str, restarts: int, seed: int
) -> GaussianProcess:
    """Fit length, shape and noise to known values, by their marginal likelihood.

    Parameters
    ----------
    vectors
        Shape (m, d): places.
    values
        Shape (m,): what is known there.
    kernel
        A name of `KERNELS`.
    restarts
        The search climbs from a fixed place, and from so many drawn ones; the best end is taken.
    seed
        Of those places.

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
    unit = float(np.sqrt(np.median(squares[squares > 0]))) if (squares > 0).any() else 1.0
    known = squares / unit**2, values, KERNELS[kernel]
    draw = np.random.default_rng(seed)
    starts = [np.log([1.0, 1.0, 0.3])]
    starts += [draw.uniform(*np.log([[0.1, 0.1, 0.1], [10, 10, 1]])) for _ in range(restarts)]
    with _one_thread_each():
        ends = [
            minimize(_loss, start, known, jac=True, bounds=LIMITS, tol=TOLERANCE)
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
    """Tell a process of given hyperparameters what is known.

    Parameters
    ----------
    vectors, values, kernel
        As for `fit`.
    length, shape, noise
        As of `GaussianProcess`.
    """
    squares = squareform(pdist(vectors, "sqeuclidean"))
    with _one_thread_each():
        root = _root(KERNELS[kernel](squares / length**2, shape), noise)
        whitened = solve_triangular(root, values, lower=True)
    return GaussianProcess(kernel, length, shape, noise, vectors, root, whitened)


def log_likelihood(
    logs: np.ndarray, squares: np.ndarray, values: np.ndarray, kernel: Kernel
) -> tuple[float, np.ndarray]:
    """Give the log marginal likelihood of known values, and its slopes.

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
    inverse, _ = dpotri(root, lower=1, overwrite_c=1)  # its lower triangle; 0 above

    def slope(change: np.ndarray) -> float:
        # The variance at distance 0 never changes, so the triangle counts twice.
        return 0.5 * weights @ change @ weights - np.vdot(inverse, change)

    by_square *= scaled
    by_noise = 0.5 * noise * (weights @ weights - inverse.trace())
    slopes = np.array([-2 * slope(by_square), slope(by_shape), by_noise])
    return half - 0.5 * len(values) * np.log(2 * np.pi), slopes


def predict(
    process: GaussianProcess, vectors: np.ndarray, threads: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Predict values and how sure they are.

    Parameters
    ----------
    process
        Fitted to m values.
    vectors
        Shape (n, d); may be a memory map. One that is not finite gets no finite prediction.
    threads
        As many as the process has cores by default.

    Returns
    -------
    mean, deviation : numpy.ndarray
        Shapes (n,), float32: the mean, and the standard deviation with the noise.
    """
    known, vectors = process.known, vectors.view(np.ndarray)  # a memory map is slow to slice
    centre, step = known.mean(axis=0), max(1, BLOCK_VALUES // len(known))
    # Squared distances to what is known as one product: |x|^2 - 2 x k + |k|^2.
    turned = np.vstack([-2 * (known - centre).T, np.ones(len(known))])
    turned = np.vstack([turned, np.square(known - centre).sum(axis=1)]) / process.length**2
    inverse = solve_triangular(process.root, np.eye(len(known)), lower=True)
    whiten = np.ascontiguousarray(inverse.T, np.float32)
    whitened, shape = process.whitened.astype(np.float32), np.float32(process.shape)
    kernel = KERNELS[process.kernel]
    mean, deviation = np.empty((2, len(vectors)), np.float32)
    starts = iter(range(0, len(vectors), step))

    def work(_: int) -> None:
        # Kept from block to block: fresh memory would take longer than the sums.
        place = np.ones((step, len(turned)))
        wide = np.empty((step, len(known)))
        narrow, white = np.empty((2, step, len(known)), np.float32)
        for start in starts:
            block = vectors[start : start + step]
            count = len(block)
            np.subtract(block, centre, out=place[:count, :-2])
            np.einsum("ij,ij->i", *[place[:count, :-2]] * 2, out=place[:count, -2])
            # In float64: the difference of large squares is what the kernel is of.
            squares = np.matmul(place[:count], turned, out=wide[:count])
            squares = np.maximum(squares, 0, out=narrow[:count], casting="same_kind")
            covariance = kernel(squares, shape)
            told = np.matmul(covariance, whiten, out=white[:count])
            np.matmul(told, whitened, out=mean[start : start + count])
            left = 1 + process.noise - np.einsum("ij,ij->i", told, told)
            deviation[start : start + count] = np.sqrt(np.maximum(left, process.noise))

    threads = threads or len(os.sched_getaffinity(0))
    with _one_thread_each(), ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    return mean, deviation


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def _one_thread_each() -> AbstractContextManager:
    """Hold matrix products to the thread that asks for them.

    Ours are small: several threads would wait for each other longer than they work.
    """
    return _blas().limit(limits=1)


def _root(covariance: np.ndarray, noise: float) -> np.ndarray:
    covariance = covariance.copy()
    covariance[np.diag_indices_from(covariance)] += noise
    return cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)


def _loss(logs: np.ndarray, *known: np.ndarray) -> tuple[float, np.ndarray]:
    likelihood, slopes = log_likelihood(logs, *known)
    return -likelihood, -slopes
