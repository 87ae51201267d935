"""Galaxies like this one: exact nearest neighbours in a representation (paper Sec. 2.4).

Distances are summed in float32 by a compiled loop in several threads, so that a query takes little
longer than to read the vectors from memory. Nothing is indexed and nothing is approximate.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

METRICS = ("manhattan", "euclidean")

BLOCK_VALUES = 2**18
"""Values in a block of vectors: 1 MiB of float32, which stays in a core's own cache."""

QUERIES_AT_ONCE = 32
"""Queries whose distances to all vectors are held at a time: 1.2 MiB each for 305,657 galaxies."""


def nearest(
    vectors: np.ndarray,
    queries: np.ndarray,
    k: int,
    *,
    metric: str = "manhattan",
    allowed: np.ndarray | None = None,
    threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest neighbours of each query, exactly.

    Parameters
    ----------
    vectors
        Shape (n, d), float32 or float16; may be a memory map.
    queries
        Shape (q, d). One that is among `vectors` is its own nearest neighbour, if allowed.
    k
        How many neighbours, at least 1.
    metric
        One of `METRICS`; the paper's is manhattan.
    allowed
        Shape (n,), bool: the rows that may be neighbours; all by default.
    threads
        As many as the process has cores by default.

    Returns
    -------
    rows : numpy.ndarray
        Shape (q, min(k, number allowed)), int64: rows of `vectors`, the nearest first; those at
        the same distance in the order of `vectors`.
    distances : numpy.ndarray
        The same shape, float32. A vector that is not finite is infinitely far.

    Raises
    ------
    ValueError
        If the shapes do not fit, `k` is below 1, the metric is unknown or a query is not finite.
    """
    queries = _checked(vectors, queries, metric)
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    count = min(k, len(rows))
    found = np.empty((len(queries), count), np.int64)
    away = np.empty((len(queries), count), np.float32)

    def choose(query: int, to_all: np.ndarray) -> None:
        to_allowed = to_all if allowed is None else to_all[rows]
        best = smallest(to_allowed, count)
        found[query], away[query] = rows[best], to_allowed[best]

    threads = threads or _cores()
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            group = queries[start : start + QUERIES_AT_ONCE]
            to_all = _measure(vectors, group, metric, pool, threads)
            list(pool.map(choose, range(start, start + len(group)), to_all))
    return found, away


def distances(
    vectors: np.ndarray, query: np.ndarray, *, metric: str = "manhattan", threads: int | None = None
) -> np.ndarray:
    """Give the distance of every vector to one query; the same numbers as `nearest` gives.

    Parameters
    ----------
    vectors, metric, threads
        As for `nearest`.
    query
        Shape (d,).

    Returns
    -------
    numpy.ndarray
        Shape (n,), float32.
    """
    queries = _checked(vectors, np.asarray(query)[np.newaxis], metric)
    threads = threads or _cores()
    with ThreadPoolExecutor(threads) as pool:
        return _measure(vectors, queries, metric, pool, threads)[0]


def rank_examples(
    vectors: np.ndarray,
    like: ArrayLike,
    unlike: ArrayLike = (),
    k: int = 10,
    *,
    metric: str = "manhattan",
    allowed: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Rank galaxies that are like these examples, and not like those.

    With d the mean distance to the examples that are liked and u the distance to the nearest of
    those that are not, the score is d where nothing is disliked, and d / (d + u) otherwise (the
    relevance score of Giacinto & Roli 2004, turned round): 0 at an example that is liked, 1 at one
    that is not, and 1/2 far away from both. One example liked and none disliked rank as `nearest`
    does.

    Parameters
    ----------
    vectors, metric, allowed
        As for `nearest`. Examples are ranked with all others, unless they are not allowed.
    like, unlike
        Examples: rows of `vectors` (integers), or vectors of shape (m, d) (floats). At least one
        must be liked.
    k
        How many galaxies.

    Returns
    -------
    rows : numpy.ndarray
        Shape (min(k, number allowed),), int64, the smallest score first.
    scores : numpy.ndarray
        The same shape, float32.
    """
    liked, unliked = (_examples(vectors, examples) for examples in (like, unlike))
    if not len(liked):
        raise ValueError("at least one example must be liked")
    scores = np.zeros(len(vectors), np.float32)
    for example in liked:
        scores += distances(vectors, example, metric=metric)
    scores /= len(liked)
    if len(unliked):
        least = np.full(len(vectors), np.inf, np.float32)
        for example in unliked:
            np.minimum(least, distances(vectors, example, metric=metric), out=least)
        with np.errstate(invalid="ignore"):
            # Where an example is liked and disliked, and where nothing is finite: last.
            scores = np.nan_to_num(scores / (scores + least), nan=1.0)
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    best = smallest(scores[rows], min(k, len(rows)))
    return rows[best], scores[rows[best]]


def smallest(values: np.ndarray, count: int) -> np.ndarray:
    """Give the places of the `count` smallest of `values`, ascending, ties by place; int64."""
    if count == 0:
        return np.empty(0, np.int64)
    limit = np.partition(values, count - 1)[count - 1]
    places = np.flatnonzero(values <= limit)
    return places[np.argsort(values[places], kind="stable")[:count]]


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _checked(vectors: np.ndarray, queries: np.ndarray, metric: str) -> np.ndarray:
    """Give the queries as the compiled loop takes them."""
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, not {metric!r}")
    queries = np.asarray(queries, np.float32)
    if queries.ndim != 2 or queries.shape[1:] != vectors.shape[1:]:
        raise ValueError(f"queries of shape {queries.shape} for vectors of {vectors.shape}")
    if not np.isfinite(queries).all():
        raise ValueError("a query is not finite")
    return _fixed(queries)


def _examples(vectors: np.ndarray, examples: ArrayLike) -> np.ndarray:
    """Give the vectors of examples, shape (m, d)."""
    examples = np.asarray(examples)
    if not examples.size:
        return np.empty((0, vectors.shape[1]), np.float32)
    return vectors[examples] if examples.dtype.kind in "iu" else np.atleast_2d(examples)


def _fixed(array: np.ndarray, kind: type = np.float32) -> np.ndarray:
    """View an array as what the loops are compiled for: contiguous and only read."""
    fixed = np.ascontiguousarray(array, kind).view(np.ndarray)
    fixed.flags.writeable = False
    return fixed


def _measure(
    vectors: np.ndarray,
    queries: np.ndarray,
    metric: str,
    pool: ThreadPoolExecutor,
    threads: int,
) -> np.ndarray:
    """Give the distances of all vectors to each query: shape (q, n), float32."""
    result = np.empty((len(queries), len(vectors)), np.float32)
    squared = metric == "euclidean"
    vectors = vectors.view(np.ndarray)  # a memory map is slow to slice
    step = max(1, BLOCK_VALUES // max(1, vectors.shape[1]))
    starts = iter(range(0, len(vectors), step))

    def measure(_: int) -> None:
        # Threads take the next block from one iterator, so that none waits for a slower one.
        for start in starts:
            block = vectors[start : start + step]
            whole = _widened(block) if block.dtype == np.float16 else block
            _sum_differences(_fixed(whole), queries, squared, result, start)

    list(pool.map(measure, range(threads)))
    return np.sqrt(result, out=result) if squared else result


def _widened(block: np.ndarray) -> np.ndarray:
    """Give float16 values as float32; numpy's own conversion is several times slower."""
    wide = np.empty(block.shape, np.float32)
    _widen(_fixed(block.view(np.uint16), np.uint16).ravel(), wide.ravel())
    return wide


# Threads are ours: compiled loops let go of Python's lock, and unlike numba's own threads they may
# be started from several at once, as a web page does. Compiled anew in each process, in less than a
# second: nothing is to be kept in a folder that may be shared or read-only.
@njit(nogil=True, fastmath={"reassoc", "contract", "nsz"})  # sums in any order: vectorised
def _sum_differences(vectors, queries, squared, result, start):  # noqa: ANN001, ANN202
    for query in range(queries.shape[0]):
        for row in range(vectors.shape[0]):
            total = np.float32(0)
            if squared:
                for place in range(vectors.shape[1]):
                    difference = vectors[row, place] - queries[query, place]
                    total += difference * difference
            else:
                for place in range(vectors.shape[1]):
                    total += abs(vectors[row, place] - queries[query, place])
            result[query, start + row] = total if total == total else np.float32(np.inf)


@njit(nogil=True)
def _widen(halves, wide):  # noqa: ANN001, ANN202
    for place in range(len(halves)):
        bits = np.uint32(halves[place])
        # The exponent is moved by multiplying, which is exact and right for subnormal numbers too.
        size = np.uint32((bits & np.uint32(0x7FFF)) << np.uint32(13)).view(np.float32)
        size *= np.float32(2.0**112)
        if bits & np.uint32(0x7C00) == np.uint32(0x7C00):
            size = np.float32(np.inf)  # or not a number: as far
        wide[place] = -size if bits & np.uint32(0x8000) else size
