"""Time and memory of a search among the paper's 305,657 galaxies, compared with other methods.

Run ``.venv/bin/python benchmarks/similarity.py``; it prints the tables of README.md. An exact
search must read all vectors once: the time of this is measured in the same process, alternately
with the search. Data are random, or real-shaped: skewed, and with variances that fall from one
component to the next as the paper's do.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np

GALAXIES = int(os.environ.get("GALAXIES", "305657"))
SIZES = (10, 1280)
SHAPES = ("random", "real-shaped")
K = 50
BATCH = 100
CORES = len(os.sched_getaffinity(0))


def make(shape: str, size: int) -> np.ndarray:
    """Draw vectors of shape (n, size), float32."""
    rng = np.random.default_rng(1)
    values = rng.standard_normal((GALAXIES, size), dtype=np.float32)
    if shape == "real-shaped":
        # A few components have most of the variance, and values are skewed, as those of a network
        # are after swish and mean.
        values = np.exp(0.5 * values) * (np.arange(1, size + 1, dtype=np.float32) ** -0.6)
    return values


def read_once(vectors: np.ndarray) -> None:
    """Read every byte of the vectors once, with one thread for each core."""
    parts = np.array_split(vectors.reshape(-1).view(np.uint32), CORES)
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(np.bitwise_or.reduce, parts))


def ours(vectors: np.ndarray) -> Callable:
    """Search with this project's `nearest`."""
    from workflow.lib.similarity.nearest import nearest

    nearest(vectors[:2], vectors[:1], 1)  # compiles the loop, once in each process
    return lambda queries: nearest(vectors, queries, K)


def ball_tree(vectors: np.ndarray) -> Callable:
    """Search with scikit-learn's ball tree, as the paper's authors did."""
    from sklearn.neighbors import NearestNeighbors

    tree = NearestNeighbors(n_neighbors=K, algorithm="ball_tree", metric="manhattan").fit(vectors)

    def search(queries: np.ndarray) -> None:
        tree.set_params(n_jobs=min(CORES, len(queries))).kneighbors(queries)

    return search


def cdist(vectors: np.ndarray) -> Callable:
    """Calculate all distances with SciPy, and take the smallest."""
    from scipy.spatial.distance import cdist

    def search(queries: np.ndarray) -> None:
        np.argpartition(cdist(queries, vectors, "cityblock"), K, axis=1)

    return search


HEAD = ("", "build [s]", "query [ms]", "pure read [ms]", "batch of 100 [s]", "peak [MiB]")
METHODS = (ours, ball_tree, cdist)


def seconds(action: Callable, *arguments: np.ndarray) -> float:
    """Measure the time that one call takes [s]."""
    start = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - start


def peak_mib() -> float:
    """Give this process's peak resident memory, including mapped files [MiB]."""
    # Not from getrusage, which also counts the parent's memory at the time of the fork.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(method: str, path: str) -> dict[str, float]:
    """Measure one method, in a process of its own: times [s] and peak memory [MiB]."""
    vectors = np.load(path, mmap_mode="r")
    read_once(vectors)
    start = time.perf_counter()
    search = globals()[method](vectors)
    build = time.perf_counter() - start
    reads, queries = [], []
    while len(queries) < 3 or (len(queries) < 25 and sum(queries) < 10):
        query = np.array(vectors[len(queries) : len(queries) + 1])
        reads.append(seconds(read_once, vectors))
        queries.append(seconds(search, query))
    batch = seconds(search, np.array(vectors[:BATCH]))
    return {
        "build": build,
        "read": min(reads),
        "query": min(queries),
        "ratio": min(queries) / min(reads),
        "batch": batch,
        "peak": peak_mib(),
    }


def main() -> None:
    """Measure every method on every data set, and print the tables."""
    for size in SIZES:
        for shape in SHAPES:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "vectors.npy"
                np.save(path, make(shape, size))
                mib = path.stat().st_size / 2**20
                print(f"\n{GALAXIES:,} x {size}, {shape}, {mib:.0f} MiB, {CORES} cores")
                print(f"| {' | '.join(HEAD)} |\n|---{'|---:' * (len(HEAD) - 1)}|")
                for method in METHODS:
                    command = [sys.executable, __file__, method.__name__, str(path)]
                    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                    found = json.loads(done.stdout)
                    print(
                        f"| {method.__name__} | {found['build']:.2f} | {1e3 * found['query']:.1f} "
                        f"(x{found['ratio']:.2f}) | {1e3 * found['read']:.1f} "
                        f"| {found['batch']:.2f} | {found['peak']:.0f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        main()
