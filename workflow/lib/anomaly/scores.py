"""How well each method finds anomalies, over all repeats of its search (paper Sec. 3.3)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.anomaly.chance import chance_by_rank, chance_precision
from workflow.lib.common.files import write_text
from workflow.lib.common.joins import need_same
from workflow.lib.common.tables import read_table

CURVES = [
    "method", "repeat", "first", "rank_weighted_score", "accuracy",
    "known", "rank_weighted_score_chance", "accuracy_chance",
]  # fmt: skip
"""Columns of the curves."""


def score_repeats(
    candidates: str | Path,
    results: Mapping[str, Sequence[str | Path]],
    curves: str | Path,
    scores: str | Path,
    each_repeat: str | Path,
    *,
    known: Mapping[str, int],
    tops: Sequence[int],
    longest: int,
    sigmas: float,
) -> None:
    """Score how well each method found the anomalies.

    Parameters
    ----------
    candidates
        By `candidates.select_candidates`.
    results
        For each method, the files of its repeats by `hunt.hunt_anomalies`.
    curves
        CSV to write: method, repeat, first (N), rank_weighted_score, accuracy, known, and
        rank_weighted_score_chance and accuracy_chance, as expected of a random rater.
    scores
        CSV to write: method, metric, mean, error (missing for a single repeat), chance (expected
        of a random rater), repeats, galaxies, anomalies.
    each_repeat
        CSV to write: method, metric, repeat, value, chance; `scores` has their means.
    known
        For each method, the number of galaxies rated if it ranks them by that, otherwise 0. Chance
        is that of as many galaxies rated at random and ranked in the same way; for 0, that of a
        random order.
    tops
        Values of N for accuracy and rank weighted score; those above the number of galaxies are
        left out.
    longest
        Largest N of the curves.
    sigmas
        The error, in standard deviations of the repeats (ddof 0, as in the authors' code).
    """
    table = read_table(candidates, text=["iauname"])
    anomaly = table["anomaly"].to_numpy()
    drawn, rows, repeats = [], [], []
    for method, paths in results.items():
        sizes = len(anomaly), int(anomaly.sum()), known[method]
        expected = chance_by_rank(*sizes, max(longest, *tops))
        chance = {"average_precision": chance_precision(*sizes)} | dict(_at_tops(expected, tops))
        by_chance = _curve(expected, longest).drop(columns="first").add_suffix("_chance")
        found = [
            by_rank(read_table(path, ["iauname"], ["iauname", "rank"]), table, path)
            for path in paths
        ]
        drawn += [
            _curve(one, longest)
            .join(by_chance)
            .assign(method=method, repeat=repeat, known=known[method])
            for repeat, one in enumerate(found)
        ]
        each = pd.DataFrame(
            [
                {"average_precision": average_precision(one)} | dict(_at_tops(one, tops))
                for one in found
            ]
        )
        repeats += [
            {
                "method": method,
                "metric": metric,
                "repeat": repeat,
                "value": value,
                "chance": chance[metric],
            }
            for metric, values in each.items()
            for repeat, value in values.items()
        ]
        rows += [
            {
                "method": method,
                "metric": metric,
                "mean": values.mean(),
                "error": sigmas * values.std(ddof=0) if len(values) > 1 else np.nan,
                "chance": chance[metric],
                "repeats": len(values),
                "galaxies": len(anomaly),
                "anomalies": anomaly.sum(),
            }
            for metric, values in each.items()
        ]
    write_text(pd.concat(drawn)[CURVES].to_csv(index=False, float_format="%.5f"), curves)
    write_text(pd.DataFrame(rows).to_csv(index=False, float_format="%.5f"), scores)
    write_text(pd.DataFrame(repeats).to_csv(index=False, float_format="%.5f"), each_repeat)


def _curve(sought: np.ndarray, longest: int) -> pd.DataFrame:
    """Score the first N of a ranking, for each N up to `longest`."""
    first = sought[:longest]
    return pd.DataFrame(
        {
            "first": np.arange(1, len(first) + 1),
            "rank_weighted_score": rank_weighted_scores(first),
            "accuracy": accuracies(first),
        }
    )


def _at_tops(sought: np.ndarray, tops: Sequence[int]) -> Iterator[tuple[str, float]]:
    """Give the scores of the first N of a ranking, for each N of `tops`, with their names."""
    for top in tops:
        if top <= len(sought):
            yield f"accuracy_{top}", accuracies(sought)[top - 1]
            yield f"rank_weighted_score_{top}", rank_weighted_scores(sought)[top - 1]


def by_rank(ranked: pd.DataFrame, candidates: pd.DataFrame, path: str | Path) -> np.ndarray:
    """Tell for each rank whether its galaxy is an anomaly.

    Parameters
    ----------
    ranked
        Columns iauname and rank, from 1.
    candidates
        Columns iauname and anomaly, of the same galaxies.
    path
        The file of the ranks, for messages.

    Returns
    -------
    numpy.ndarray
        Shape (n,), bool, the highest rank first: `sought` for the metrics below.

    Raises
    ------
    UserError
        If the galaxies are not those of the candidates.
    """
    need_same(candidates["iauname"], ranked["iauname"], path)
    sought = np.empty(len(candidates), bool)
    sought[ranked["rank"] - 1] = candidates["anomaly"]
    return sought


def rank_weighted_scores(sought: np.ndarray) -> np.ndarray:
    """Score the first N of a ranking, for each N, weighted by rank (Lochner & Bassett 2021, eq. 4).

    Parameters
    ----------
    sought
        Shape (n,): whether the galaxy at each rank is an anomaly, or the probability of that.

    Returns
    -------
    numpy.ndarray
        Shape (n,), 0 to 1: sum over i of (N + 1 - i) I_i, divided by N (N + 1) / 2.
    """
    first = np.arange(1, len(sought) + 1)
    return np.cumsum(np.cumsum(sought)) / (first * (first + 1) / 2)


def accuracies(sought: np.ndarray) -> np.ndarray:
    """Compute the share of anomalies among the first N of a ranking, for each N, shape (n,)."""
    return np.cumsum(sought) / np.arange(1, len(sought) + 1)


def average_precision(sought: np.ndarray) -> float:
    """Compute the mean, over all anomalies, of the accuracy down to the rank of each."""
    return float(accuracies(sought)[sought].mean())
