"""How well each method finds anomalies, over all repeats of its search (paper Sec. 3.3)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.common.files import write_text
from workflow.lib.common.tables import read_table


def score_repeats(
    candidates: str | Path,
    results: Mapping[str, Sequence[str | Path]],
    curves: str | Path,
    scores: str | Path,
    *,
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
        CSV to write: method, repeat, first (N), rank_weighted_score, accuracy.
    scores
        CSV to write: method, metric, mean, error, chance (expected of a random order), repeats,
        galaxies, anomalies.
    tops
        Values of N for accuracy and rank weighted score; those above the number of galaxies are
        left out.
    longest
        Largest N of the curves.
    sigmas
        The error, in standard deviations of the repeats.
    """
    table = read_table(candidates, text=["iauname"])
    anomaly = table["anomaly"].to_numpy()
    share = anomaly.mean()
    precision = chance_precision(len(anomaly), int(anomaly.sum()))
    drawn, rows = [], []
    for method, paths in results.items():
        found = [by_rank(read_table(path, columns=["rank"]), anomaly) for path in paths]
        drawn += [
            _curve(one, longest).assign(method=method, repeat=i) for i, one in enumerate(found)
        ]
        each = pd.DataFrame([dict(_metrics(one, tops)) for one in found])
        rows += [
            {
                "method": method,
                "metric": metric,
                "mean": values.mean(),
                "error": sigmas * values.std() if len(values) > 1 else np.nan,
                "chance": precision if metric == "average_precision" else share,
                "repeats": len(values),
                "galaxies": len(anomaly),
                "anomalies": anomaly.sum(),
            }
            for metric, values in each.items()
        ]
    order = ["method", "repeat", "first", "rank_weighted_score", "accuracy"]
    write_text(pd.concat(drawn)[order].to_csv(index=False, float_format="%.5f"), curves)
    write_text(pd.DataFrame(rows).to_csv(index=False, float_format="%.5f"), scores)


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


def _metrics(sought: np.ndarray, tops: Sequence[int]) -> Iterator[tuple[str, float]]:
    """Give each metric of a ranking with its name, as in the scores."""
    yield "average_precision", average_precision(sought)
    for top in tops:
        if top <= len(sought):
            yield f"accuracy_{top}", accuracies(sought)[top - 1]
            yield f"rank_weighted_score_{top}", rank_weighted_scores(sought)[top - 1]


def by_rank(ranked: pd.DataFrame, anomaly: np.ndarray) -> np.ndarray:
    """Tell for each rank whether its galaxy is an anomaly.

    Parameters
    ----------
    ranked
        Column rank, from 1, in the order of the candidates.
    anomaly
        Shape (n,), bool: whether each candidate is an anomaly.

    Returns
    -------
    numpy.ndarray
        Shape (n,), bool, the highest rank first: `sought` for the metrics below.
    """
    sought = np.empty(len(anomaly), bool)
    sought[ranked["rank"] - 1] = anomaly
    return sought


def rank_weighted_scores(sought: np.ndarray) -> np.ndarray:
    """Score the first N of a ranking, for each N, weighted by rank (Lochner & Bassett 2021, eq. 4).

    Parameters
    ----------
    sought
        Shape (n,), bool: whether the galaxy at each rank is an anomaly.

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


def chance_precision(galaxies: int, anomalies: int) -> float:
    """Compute the average precision expected of a random order.

    An anomaly has any rank k with the same probability. The expected share of anomalies among the
    k - 1 galaxies before it is that among all other galaxies.
    """
    rank = np.arange(1, galaxies + 1)
    others = (anomalies - 1) / max(galaxies - 1, 1)
    return float(((1 + (rank - 1) * others) / rank).mean())
