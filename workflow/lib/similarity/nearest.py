"""Exact nearest neighbours in a representation (paper Sec. 2.4).

Distances to all vectors are calculated in float32 by a compiled loop in several threads. A query
takes little longer than reading the vectors from memory, so there is no index.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

METRICS = ("manhattan", "euclidean")

BLOCK_VALUES = 2**18
"""Values in a block of vectors: 1 MiB of float32, which fits into a core's own cache."""

QUERIES_AT_ONCE = 32
"""Queries that a block of vectors is compared with while it is in the cache."""


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
        Shape (n, d), float32; may be a memory map.
    queries
        Shape (q, d). A query that is one of `vectors` is its own nearest neighbour, if allowed.
    k
        Number of neighbours, at least 1.
    metric
        One of `METRICS`; the paper uses manhattan.
    allowed
        Shape (n,), bool: the rows that may be neighbours; all by default.
    threads
        Number of threads; by default one for each core that the process may use.

    Returns
    -------
    rows : numpy.ndarray
        Shape (q, min(k, number allowed)), int64: rows of `vectors`, the nearest first. Rows at the
        same distance are in the order of `vectors`.
    distances : numpy.ndarray
        The same shape, float32. A vector that is not finite is at an infinite distance.

    Raises
    ------
    ValueError
        If the shapes do not fit, `k` is below 1, the metric is unknown or a query is not finite.
    """
    queries = _checked(vectors, queries, metric)
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    count = min(k, len(vectors) if allowed is None else np.count_nonzero(allowed))
    rows = np.empty((len(queries), count), np.int64)
    away = np.empty((len(queries), count), np.float32)
    threads = threads or _cores()
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(queries) if count else 0, QUERIES_AT_ONCE):
            group = slice(start, start + QUERIES_AT_ONCE)
            rows[group], away[group] = _nearest_of_few(
                vectors, queries[group], count, metric, allowed, pool, threads
            )
    return rows, away


def distances(
    vectors: np.ndarray, query: np.ndarray, *, metric: str = "manhattan", threads: int | None = None
) -> np.ndarray:
    """Calculate the distance of every vector to one query, exactly as `nearest` does.

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
    found = np.empty((1, len(vectors)), np.float32)
    threads = threads or _cores()

    def measure(_: int, start: int, block: np.ndarray) -> None:
        _measure(block, queries, metric, found[:, start : start + len(block)])

    with ThreadPoolExecutor(threads) as pool:
        _work_on_blocks(vectors, vectors.shape[1], measure, pool, threads)
    return found[0]


def rank_examples(
    vectors: np.ndarray,
    like: ArrayLike,
    unlike: ArrayLike = (),
    k: int = 10,
    *,
    metric: str = "manhattan",
    allowed: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Rank galaxies by their similarity to some examples and their dissimilarity to others.

    Let d be the mean distance to the examples that are liked, and u the distance to the nearest
    example that is disliked. The distance given is d if no example is disliked, and otherwise the
    relative distance d / (d + u), which is one minus the relevance score of Giacinto & Roli (2004):
    0 at a liked example, 1 at a disliked one, and 1/2 far away from both. A smaller one is always
    nearer. With one liked example and no disliked one, the ranking is that of `nearest`.

    Parameters
    ----------
    vectors, metric, allowed
        As for `nearest`. Examples are ranked too, unless they are not allowed.
    like, unlike
        Examples that are liked and disliked: rows of `vectors` (integers), or vectors of shape
        (m, d) (floats). At least one must be liked.
    k
        Number of galaxies to give.

    Returns
    -------
    rows : numpy.ndarray
        Shape (min(k, number allowed),), int64, the smallest distance first.
    distances : numpy.ndarray
        The same shape, float32.

    Raises
    ------
    ValueError
        If no example is liked, or as for `nearest`.
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
            # 0 / 0 at an example that is both liked and disliked, inf / inf at a vector that is
            # not finite: both come last.
            scores = np.nan_to_num(scores / (scores + least), nan=1.0)
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    best = smallest(scores[rows], min(k, len(rows)))
    return rows[best], scores[rows[best]]


def smallest(values: np.ndarray, count: int) -> np.ndarray:
    """Give the indices of the `count` smallest values, ascending, ties by index; int64."""
    if count == 0:
        return np.empty(0, np.int64)
    limit = np.partition(values, count - 1)[count - 1]
    places = np.flatnonzero(values <= limit)
    return places[np.argsort(values[places], kind="stable")[:count]]


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _checked(vectors: np.ndarray, queries: np.ndarray, metric: str) -> np.ndarray:
    """Check the arguments of a search, and give the queries in the compiled loop's format."""
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


def _fixed(array: np.ndarray) -> np.ndarray:
    """View an array in the format that the loop is compiled for: contiguous and read-only."""
    fixed = np.ascontiguousarray(array, np.float32).view(np.ndarray)
    fixed.flags.writeable = False
    return fixed


def _work_on_blocks(
    vectors: np.ndarray,
    width: int,
    work: Callable[[int, int, np.ndarray], None],
    pool: ThreadPoolExecutor,
    threads: int,
) -> None:
    """Have each thread call ``work(thread, first row, block)`` for the next block of vectors.

    All threads take their blocks from the same iterator, so that none waits for another. A block
    times `width` has `BLOCK_VALUES` values.
    """
    vectors = vectors.view(np.ndarray)  # a memory map is slow to slice
    step = max(1, BLOCK_VALUES // max(1, width))
    starts = iter(range(0, len(vectors), step))

    def work_on(thread: int) -> None:
        for start in starts:
            work(thread, start, _fixed(vectors[start : start + step]))

    list(pool.map(work_on, range(threads)))


def _nearest_of_few(
    vectors: np.ndarray,
    queries: np.ndarray,
    count: int,
    metric: str,
    allowed: np.ndarray | None,
    pool: ThreadPoolExecutor,
    threads: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest neighbours of so few queries that their distances fit into a core's cache.

    Each thread keeps the nearest of its own blocks; at the end these are sorted together.
    """
    away = np.full((threads, len(queries), count), np.inf, np.float32)
    rows = np.full(away.shape, len(vectors), np.int64)

    def keep(thread: int, start: int, block: np.ndarray) -> None:
        found = np.empty((len(queries), len(block)), np.float32)
        _measure(block, queries, metric, found)
        if allowed is not None:
            found[:, ~allowed[start : start + len(block)]] = np.nan  # never the smaller
        _keep_nearest(found, start, away[thread], rows[thread])

    _work_on_blocks(vectors, max(vectors.shape[1], len(queries)), keep, pool, threads)
    away, rows = (np.concatenate(kept, axis=1) for kept in (away, rows))
    best = np.lexsort((rows, away))[:, :count]
    return np.take_along_axis(rows, best, axis=1), np.take_along_axis(away, best, axis=1)


def _measure(block: np.ndarray, queries: np.ndarray, metric: str, found: np.ndarray) -> None:
    """Calculate the distances of a block's vectors to each query, into `found`, (q, rows)."""
    squared = metric == "euclidean"
    _sum_differences(block, queries, squared, found)
    if squared:
        np.sqrt(found, out=found)


# Python's threads call this loop, which releases Python's lock. Numba's own threads must not be
# used from several threads at once, as the web page would do. The loop is compiled again in each
# process, in less than a second: a cache would need a folder, which may be shared or read-only.
@njit(nogil=True, fastmath={"reassoc", "contract", "nsz"})  # any order of sums, to vectorise
def _sum_differences(vectors, queries, squared, result):  # noqa: ANN001, ANN202
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
            result[query, row] = total if total == total else np.float32(np.inf)


@njit(nogil=True)
def _keep_nearest(found, start, away, rows):  # noqa: ANN001, ANN202
    """Enter distances into the heap of each query, in which the farthest is at the top.

    Of rows at the same distance the last is the farthest.
    """
    count = away.shape[1]
    for query in range(found.shape[0]):
        far, number = away[query], rows[query]
        for place in range(found.shape[1]):
            distance, row = found[query, place], start + place
            if not (distance < far[0] or (distance == far[0] and row < number[0])):
                continue
            hole, child = 0, 1
            while child < count:
                other = child + 1
                if other < count and (
                    far[other] > far[child]
                    or (far[other] == far[child] and number[other] > number[child])
                ):
                    child = other
                if far[child] < distance or (far[child] == distance and number[child] < row):
                    break
                far[hole], number[hole] = far[child], number[child]
                hole, child = child, 2 * child + 1
            far[hole], number[hole] = distance, row
