"""Time and memory of learning a user's interest and choosing what to rate next.

Run ``.venv/bin/python benchmarks/anomaly.py``; it prints the table of README.md. For comparison,
scikit-learn's Gaussian process does the same, alternately in the same process: it is fitted with as
many restarts and predicts mean and standard deviation of all galaxies, in blocks where all at once
would not fit into memory. Then predictions of both with the same hyperparameters are compared.
"""

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RationalQuadratic, WhiteKernel

from workflow.lib.anomaly.active_learning import (
    GaussianProcessSettings,
    LabelRater,
    expected_improvement,
    next_step,
)
from workflow.lib.anomaly.gaussian_process import fit, predict

GALAXIES = [int(count) for count in os.environ.get("GALAXIES", "10000,60000").split(",")]
COMPONENTS = 40
RATINGS = 200
COMPARED = 600_000
"""Largest number of galaxies for which predictions are compared."""

BLOCK = 60_000
"""Galaxies that scikit-learn predicts at a time: 96 MB of covariances, and as much for copies."""

SETTINGS = GaussianProcessSettings(10, "rational-quadratic", "expected-improvement", 0.5, 1)
COLUMNS = "| galaxies | method | step [s] | of both cores [s] | ratio | difference | memory [MiB] |"


def make(count: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Draw vectors of shape (n, 40), mapped from a file, and labels; few are interesting."""
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
    """Do a step with scikit-learn: the ten galaxies to rate next."""
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
    """Compute the largest difference of mean or deviation, with the same hyperparameters."""
    process = fit(vectors[rows], ratings, SETTINGS.kernel, SETTINGS.restarts, 1)
    mean, deviation = predict(process, vectors)
    kernel = RationalQuadratic(process.length, process.shape) + WhiteKernel(process.noise)
    reference = GaussianProcessRegressor(kernel, alpha=0, optimizer=None)
    reference.fit(vectors[rows].astype(float), ratings)
    largest = 0.0
    for start in range(0, min(len(vectors), COMPARED), BLOCK):
        part = slice(start, start + BLOCK)
        expected = reference.predict(vectors[part].astype(float), return_std=True)
        for ours, other in zip((mean, deviation), expected, strict=True):
            largest = max(largest, float(np.abs(ours[part] - other).max()))
    return largest


class Time(NamedTuple):
    """Time of a step [s]."""

    wall: float
    """Wall clock."""
    cores: float
    """CPU time of all cores; other processes on the machine do not add to it."""


def timed(step: Callable[[], object]) -> Time:
    """Time one call."""
    wall, cores = time.perf_counter(), time.process_time()
    step()
    return Time(time.perf_counter() - wall, time.process_time() - cores)


def memory() -> float:
    """Give the memory that this process holds now, without mapped files [MiB]."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) / 1024


def measure(count: int, folder: Path) -> None:
    """Print the rows of one size."""
    vectors, labels = make(count, folder)
    rows = np.random.default_rng(2).choice(count, RATINGS, replace=False)
    ratings = LabelRater(labels).rate(rows)

    def step() -> None:
        next_step(vectors, rows, ratings, SETTINGS, 1)

    next_step(vectors[:1000], rows % 1000, ratings, SETTINGS, 1)  # start threads, load libraries
    before = memory()
    taken = watched(step) - before
    ours, other = [], []
    for _ in range(3 if count <= 100_000 else 1):
        ours += [timed(step), timed(step)]
        other.append(timed(lambda: theirs(vectors, rows, ratings)))
    apart = difference(vectors, rows, ratings)
    one, two = min(ours), min(other)
    print(
        f"| {count:,} | ours | {one.wall:.3f} | {one.cores:.3f} | 1 | {apart:.1e} | {taken:.0f} |"
    )
    ratio = two.wall / one.wall
    print(f"| {count:,} | scikit-learn | {two.wall:.3f} | {two.cores:.3f} | {ratio:.1f} | | |")


def watched(step: Callable[[], object]) -> float:
    """Call once, and return the peak memory during the call [MiB], sampled every 5 ms."""
    done, most = Event(), [0.0]

    def watch() -> None:
        while not done.wait(0.005):
            most.append(memory())

    watcher = Thread(target=watch)
    watcher.start()
    step()
    done.set()
    watcher.join()
    return max(most)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(COLUMNS)
    print("|---:|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as temporary:
        for size in GALAXIES:
            measure(size, Path(temporary))
