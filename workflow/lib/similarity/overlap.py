"""Whether fewer dimensions, or another distance, change which galaxies are nearest (Sec. 2.4)."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.common.files import write_text
from workflow.lib.common.name_seeds import first_drawn, name_keys
from workflow.lib.similarity.nearest import METRICS
from workflow.lib.similarity.neighbours import (
    find_others,
    open_representations,
    read_coordinates,
)
from workflow.lib.similarity.sky_match import same_places

log = logging.getLogger(__name__)

OVERLAP = [
    "representation", "metric", "beside", "beside_metric", "first", "queries", "shared", "error",
]  # fmt: skip
"""Columns of the table by `measure_overlap`."""


def measure_overlap(
    compressed: Mapping[str, str | Path],
    full: str | Path,
    catalogue: str | Path,
    table: str | Path,
    *,
    first: Sequence[int],
    queries: int,
    same_within: float,
    seed: int,
    threads: int,
) -> None:
    """Measure how many nearest galaxies stay the same with fewer dimensions or another distance.

    Parameters
    ----------
    compressed, full
        As for `open_representations`.
    catalogue, same_within, threads
        As for `find_neighbours`.
    table
        CSV to write: for each representation, metric and number of nearest galaxies (first), how
        many of them are also nearest by another representation and metric (beside, beside_metric):
        the mean share over the galaxies searched from (shared), its standard error (error), and
        their number (queries). Compressed ones are compared with the full one, and each
        metric with the Manhattan distance.
    first
        Numbers of nearest galaxies.
    queries
        Number of galaxies to search from, drawn at random by their names and the seed.
    seed
        Seed of that choice.
    """
    iaunames, opened = open_representations(compressed, full)
    rows = first_drawn(np.arange(len(iaunames)), name_keys(iaunames), queries, seed)
    same = same_places(*read_coordinates(catalogue, iaunames), rows, same_within)
    nearest = {
        (name, metric): find_others(
            vectors, rows, max(first), same, metric=metric, threads=threads
        )[0]
        for name, vectors in opened.items()
        for metric in METRICS
    }
    lines = []
    for (name, metric), found in nearest.items():
        beside = ("full", metric) if metric == "manhattan" else (name, "manhattan")
        if beside == (name, metric):
            continue
        for count in first:
            shares = shared(found[:, :count], nearest[beside][:, :count])
            error = shares.std(ddof=1) / np.sqrt(len(shares)) if len(shares) > 1 else np.nan
            lines.append((name, metric, *beside, count, len(shares), shares.mean(), error))
    frame = pd.DataFrame(lines, columns=OVERLAP)
    log.info("searched from %d galaxies among %d", len(rows), len(iaunames))
    write_text(frame.to_csv(index=False, float_format="%.4f"), table)


def shared(found: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Give the share of each galaxy's neighbours that are also its neighbours elsewhere.

    Parameters
    ----------
    found, other
        Shape (q, k): rows of each query's neighbours; -1, used as padding, is ignored.

    Returns
    -------
    numpy.ndarray
        Shape (q,), float64.
    """
    return np.array(
        [
            np.isin(one[one >= 0], two).sum() / max(1, (one >= 0).sum())
            for one, two in zip(found, other, strict=True)
        ]
    )
