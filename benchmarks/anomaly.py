"""Time and memory of learning somebody's interest and choosing what to rate next.

Run ``.venv/bin/python benchmarks/anomaly.py``; it prints the table of README.md. Beside it, in the
same process and by turns, scikit-learn's Gaussian process does the same: fitted with as many
restarts, asked for mean and standard deviation of every galaxy, a block at a time where all at once
would not fit into memory. Then both predict by the same hyperparameters, to be compared.
"""

import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RationalQuadratic, WhiteKernel

from workflow.lib.active import LabelRater, Settings, expected_improvement, next_step
from workflow.lib.gaussian_process import fit, predict

GALAXIES = [int(count) for count in os.environ.get("GALAXIES", "10000,60000").split(",")]
COMPONENTS = 40
RATINGS = 200
BLOCK = 60_000
"""Galaxies that scikit-learn predicts at a time: 96 MB of covariances, and as much beside them."""

SETTINGS = Settings(10, "rational-quadratic", "expected-improvement", 0.5, 1)
COLUMNS = "| galaxies | method | step [s] | ratio | largest difference | memory [MiB] |"


def make(count: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Draw vectors of shape (n, 40), mapped from a file, and labels: few galaxies interest."""
    draw = np.random.default_rng(1)
    vectors = np.lib.format.open_memmap(
        folder / f"{count}.npy", "w+", np.float32, (count, COMPONENTS)
    )
    for start in range(0, count, BLOCK):
        part = vectors[start : start + BLOCK]
        part[:] = draw.standard_normal(part.shape, np.float32)
    labels = np.concatenate(
        [
            np.exp(-np.square(vectors[start : start + BLOCK, :5] - 1).sum(axis=1) / 4)
            for start in range(0, count, BLOCK)
        ]
    )
    return vectors, labels


def theirs(vectors: np.ndarray, rows: np.ndarray, ratings: np.ndarray) -> np.ndarray:
    """Do a step by scikit-learn: the ten galaxies to rate next."""
    process = GaussianProcessRegressor(
        RationalQuadratic() + WhiteKernel(noise_level_bounds=(1 / 12, 1e2)),
        n_restarts_optimizer=SETTINGS.restarts,
        random_state=1,
    ).fit(vectors[rows].astype(float), ratings)
    useful = np.concatenate(
        [
            expected_improvement(
                *process.predict(vectors[start : start + BLOCK].astype(float), return_std=True),
                ratings.max(),
                SETTINGS.epsilon,
            )
            for start in range(0, len(vectors), BLOCK)
        ]
    )
    useful[rows] = -np.inf
    return np.argpartition(-useful, SETTINGS.batch)[: SETTINGS.batch]


def difference(vectors: np.ndarray, rows: np.ndarray, ratings: np.ndarray) -> float:
    """Give the largest difference of mean and deviation, by the same hyperparameters."""
    process = fit(vectors[rows], ratings, SETTINGS.kernel, SETTINGS.restarts, 1)
    mean, deviation = predict(process, vectors)
    kernel = RationalQuadratic(process.length, process.shape) + WhiteKernel(process.noise)
    reference = GaussianProcessRegressor(kernel, alpha=0, optimizer=None)
    reference.fit(vectors[rows].astype(float), ratings)
    largest = 0.0
    for start in range(0, len(vectors), BLOCK):
        part = slice(start, start + BLOCK)
        expected = reference.predict(vectors[part].astype(float), return_std=True)
        for ours, other in zip((mean, deviation), expected, strict=True):
            largest = max(largest, float(np.abs(ours[part] - other).max()))
    return largest


def seconds(step: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def memory() -> float:
    """Give the most memory that this process has held, without files mapped into it [MiB]."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) / 1024


def measure(count: int, folder: Path) -> None:
    """Print the rows of one size."""
    vectors, labels = make(count, folder)
    rows = np.random.default_rng(2).choice(count, RATINGS, replace=False)
    ratings = LabelRater(labels).rate(rows)
    repeats = 7 if count <= 100_000 else 2
    before = memory()
    next_step(vectors[:1000], rows % 1000, ratings, SETTINGS, 1)  # threads and libraries are there
    ours, other = [], []
    peak = watched(lambda: next_step(vectors, rows, ratings, SETTINGS, 1), ours) - before
    for turn in range(repeats):
        ours.append(seconds(lambda: next_step(vectors, rows, ratings, SETTINGS, 1)))
        if turn < (3 if count <= 100_000 else 1):
            other.append(seconds(lambda: theirs(vectors, rows, ratings)))
    apart = difference(vectors, rows, ratings)
    print(f"| {count:,} | ours | {min(ours):.3f} | 1 | {apart:.1e} | {peak:.0f} |", flush=True)
    print(f"| {count:,} | scikit-learn | {min(other):.3f} | {min(other) / min(ours):.1f} | | |")


def watched(step: Callable[[], object], times: list[float]) -> float:
    """Call once, and give the most memory held meanwhile [MiB], looked at every 5 ms."""
    from threading import Event, Thread

    done, most = Event(), [0.0]

    def watch() -> None:
        while not done.wait(0.005):
            most.append(memory())

    watcher = Thread(target=watch)
    watcher.start()
    times.append(seconds(step))
    done.set()
    watcher.join()
    return max(most)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(COLUMNS)
    print("|---:|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as temporary:
        for size in GALAXIES:
            measure(size, Path(temporary))
    total = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\nPeak of the whole benchmark, mapped vectors and scikit-learn included: {total:.0f} MiB"
    )
