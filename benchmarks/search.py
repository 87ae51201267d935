"""Search: the 50 nearest of the paper's galaxies, by Manhattan distance."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from types import SimpleNamespace as Case

import numpy as np

from benchmarks.contest import Table, call, contest, instead, limit, ours

SIZES = {
    "full": {"galaxies": 305_657, "dimensions": [10, 1280]},
    "small": {"galaxies": 20_000, "dimensions": [10, 1280]},
    "tiny": {"galaxies": 500, "dimensions": [10, 64]},
}

K = 50
BATCH = 100
QUICK = 5
"""Single queries take milliseconds, so they have this many times as many turns."""


def prepare(case: Case) -> None:
    """Draw vectors shaped as a network's.

    A few components have most of the variance, and values are skewed, as after swish and mean.
    """
    rng, shape = np.random.default_rng(1), (case.galaxies, case.size)
    vectors = np.lib.format.open_memmap(f"{case.folder}/vectors.npy", "w+", np.float32, shape)
    scale = np.arange(1, case.size + 1, dtype=np.float32) ** -0.6
    for start in range(0, case.galaxies, 10_000):
        part = vectors[start : start + 10_000]
        part[:] = np.exp(0.5 * rng.standard_normal(part.shape, np.float32)) * scale


def _vectors(case: Case) -> np.ndarray:
    return np.load(f"{case.folder}/vectors.npy", mmap_mode="r")


def _asking(case: Case, search: Callable) -> Callable:
    """Ask about the next galaxies each turn; add up the rows found, to compare answers."""
    vectors, starts = _vectors(case), count(0, case.queries)

    def turn() -> float:
        start = next(starts) % (len(vectors) - case.queries)
        return float(np.sum(search(np.array(vectors[start : start + case.queries]))))

    return turn


def nearest(case: Case) -> Callable:
    """Search as stage 5 and the web page do."""
    from workflow.lib.similarity.nearest import nearest as search

    vectors = _vectors(case)
    search(vectors[:2], vectors[:1], 1)  # compiles the loop
    return _asking(case, lambda queries: search(vectors, queries, K)[0])


def _scikit_learn(case: Case, algorithm: str) -> Callable:
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=K, algorithm=algorithm, metric="manhattan", n_jobs=-1)
    index.fit(_vectors(case))
    return _asking(case, lambda queries: index.kneighbors(queries, return_distance=False))


def ball_tree(case: Case) -> Callable:
    """Search with scikit-learn's ball tree, as the paper's authors did."""
    return _scikit_learn(case, "ball_tree")


def brute(case: Case) -> Callable:
    """Search with scikit-learn's brute force, in float32."""
    return _scikit_learn(case, "brute")


def faiss_flat(case: Case) -> Callable:
    """Search with FAISS's exact index."""
    import faiss

    index = faiss.IndexFlat(case.size, faiss.METRIC_L1)
    index.add(np.ascontiguousarray(_vectors(case)))
    return _asking(case, lambda queries: index.search(queries, K)[1])


def read_once(case: Case) -> Callable:
    """Read every byte once, with a thread for each core."""
    cores = len(os.sched_getaffinity(0))
    parts = np.array_split(_vectors(case).reshape(-1).view(np.uint32), cores)
    pool = ThreadPoolExecutor(cores)
    return lambda: list(pool.map(np.bitwise_or.reduce, parts)) and None


def run(folder: Path, size: dict, turns: int) -> Iterator[Table]:
    """Compare single searches and batches, in few and in many dimensions."""
    others = [
        instead(ball_tree, 1), instead(brute, 1), instead(faiss_flat, 1, package="faiss"),
    ]  # fmt: skip
    for dimensions in size["dimensions"]:
        case = {"folder": str(folder), "galaxies": size["galaxies"], "size": dimensions}
        call(prepare, case)
        what = f"{size['galaxies']:,} galaxies, {dimensions} dimensions"
        yield contest(
            f"Search {what}", [ours(nearest), *others, limit(read_once, 1 / 1.3)],
            case | {"queries": 1}, QUICK * turns,
        )  # fmt: skip
        yield contest(
            f"Search {what}, {BATCH} at once", [ours(nearest), *others],
            case | {"queries": BATCH}, turns, items=BATCH, unit="queries",
        )  # fmt: skip
