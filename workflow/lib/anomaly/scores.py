"""Fifteen repeats of every search for anomalies, and how well they do (paper Sec. 3.3)."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.active import LabelRater, final_ranking, standardise
from workflow.lib.errors import UserError
from workflow.lib.files import atomic_path, write_json, write_text
from workflow.lib.project import fraction_product, umap_plane
from workflow.lib.representation import read_representation
from workflow.lib.searches import Found, search
from workflow.lib.tables import read_table, write_parquet

log = logging.getLogger(__name__)


def select_candidates(
    catalogue: str | Path,
    features: Sequence[str | Path],
    candidates: str | Path,
    counts: str | Path,
    *,
    label: str,
    above: float | None,
    share: float | None,
    votes: str,
    min_votes: float,
    filters: Mapping[str, float],
) -> None:
    """Choose the galaxies among which anomalies are looked for, and say which ones are anomalies.

    Parameters
    ----------
    catalogue
        The survey's catalogue.
    features
        Files of vectors; galaxies without a finite one in each are left out.
    candidates
        Parquet to write: iauname, label, anomaly; in the catalogue's order.
    counts
        JSON to write: how many galaxies are left after each cut, the anomalies among them, and the
        threshold.
    label, above, share, votes, min_votes, filters
        As in `tasks.Task`.

    Raises
    ------
    UserError
        If a column is missing or has other values than it can, or there are no anomalies, or
        nothing else.
    """
    numbers = dict.fromkeys([label, *([votes] if votes else [])])
    table = read_table(catalogue, text=["iauname"], columns=["iauname", *numbers])
    for column in numbers:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise UserError(f"{catalogue}: column '{column}' has text, not numbers")
    if not table[label].dropna().between(0, 1).all():
        raise UserError(
            f"{catalogue}: column '{label}' has values from {table[label].min():g} to "
            f"{table[label].max():g}; a label must lie between 0 and 1"
        )
    left = {"catalogue": len(table)}
    keep = table[label].notna().to_numpy()
    if votes:
        keep = keep & (table[votes].to_numpy() >= min_votes)
        left[f"{votes} >= {min_votes:g}"] = int(keep.sum())
    for fraction, least in filters.items():
        keep = keep & (fraction_product(catalogue, [fraction])[1] > least)
        left[f"{fraction} > {least:g}"] = int(keep.sum())
    for path in features:
        names, vectors = read_representation(path)
        usable = np.isfinite(vectors).all(axis=1)
        keep = keep & table["iauname"].isin(np.array(names, object)[usable]).to_numpy()
        left[f"features of {Path(path).name}"] = int(keep.sum())
    found = table.loc[keep, ["iauname", label]].rename(columns={label: "label"})
    if found.empty:
        raise UserError(f"{catalogue}: no galaxy is left of {left}")
    threshold = above if share is None else threshold_of(found["label"].to_numpy(), share)
    found["anomaly"] = found["label"] > threshold
    anomalies = int(found["anomaly"].sum())
    if not 0 < anomalies < len(found):
        raise UserError(
            f"{catalogue}: {anomalies} of {len(found)} galaxies have {label} > {threshold:g}; "
            "there must be anomalies and others"
        )
    log.info("%d of %d galaxies have %s > %g", anomalies, len(found), label, threshold)
    write_parquet(found, candidates)
    summary = {"left": left, "galaxies": len(found), "anomalies": anomalies}
    write_json(summary | {"label": label, "threshold": float(threshold)}, counts)


def threshold_of(labels: np.ndarray, share: float) -> float:
    """Give the threshold above which there is a share of the labels, as nearly as ties allow.

    Parameters
    ----------
    labels
        Shape (n,), at least two different ones; otherwise nothing is above the threshold.
    share
        0 to 1; at least one label is above the threshold, however small it is.

    Returns
    -------
    float
        One of the labels.
    """
    values, counts = np.unique(labels, return_counts=True)
    larger = len(labels) - counts.cumsum()
    some = larger > 0
    if not some.any():
        return float(values[0])
    return float(values[some][np.argmin(np.abs(larger[some] / len(labels) - share))])


def standardise_features(features: str | Path, candidates: str | Path, vectors: str | Path) -> None:
    """Bring the candidates' features to mean 0 and variance 1.

    Parameters
    ----------
    features
        Parquet of vectors of the survey's galaxies.
    candidates
        By `select_candidates`.
    vectors
        NumPy file to write: float32 (n, d), in the order of the candidates.

    Raises
    ------
    UserError
        If all candidates have the same features.
    """
    names, values = read_representation(features)
    wanted = read_table(candidates, text=["iauname"])["iauname"]
    try:
        scaled = standardise(values[pd.Index(names).get_indexer(wanted)])
    except UserError as error:
        raise UserError(f"{features}: {error}") from error
    with atomic_path(vectors) as temporary:
        np.save(temporary, scaled)


def hunt_anomalies(
    candidates: str | Path,
    vectors: str | Path,
    repeats: Sequence[int],
    results: Sequence[str | Path],
    *,
    search_by: str,
    settings: Mapping[str, Any],
    known_first: bool,
    ratings: int,
    seed: int,
    threads: int,
) -> None:
    """Search for anomalies as a simulated person would, once for each repeat.

    Parameters
    ----------
    candidates
        By `select_candidates`.
    vectors
        By `standardise_features`.
    repeats
        Numbers that, with the seed, set the random draws of each repeat.
    results
        Parquet to write for each: iauname, interest, rarity (the baseline's alone), rank (from 1),
        rated (when, from 1; missing if not), rating.
    search_by, settings
        A name of `searches.SEARCHES`, and its settings.
    known_first
        Whether galaxies found to be anomalies come first in the ranking, and those found not to be
        are as interesting as nothing.
    ratings
        Galaxies to be rated.
    seed
        Of all repeats.
    threads
        To use.

    Raises
    ------
    UserError
        If there are fewer galaxies than are to be rated.
    """
    table = read_table(candidates, text=["iauname"])
    features = np.load(vectors)
    rater, anomaly = LabelRater(table["label"].to_numpy()), table["anomaly"].to_numpy()
    for repeat, result in zip(repeats, results, strict=True):
        drawn = int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0])
        try:
            found = search(
                search_by, features, rater, ratings, seed=drawn, threads=threads, **settings
            )
        except UserError as error:
            raise UserError(f"{candidates}: {error}") from error
        frame = _ranked(table, found, known_first)
        write_parquet(frame, result)
        log.info(
            "repeat %d: %d anomalies rated, average precision %.3f",
            repeat, anomaly[found.rows].sum(), average_precision(_by_rank(frame, anomaly)),
        )  # fmt: skip


def _ranked(candidates: pd.DataFrame, found: Found, known_first: bool) -> pd.DataFrame:
    """Put what a search ends with into a table."""
    known = found.interest[found.rows]
    if known_first:
        known = np.where(candidates["anomaly"].to_numpy()[found.rows], np.inf, 0)
    rank = np.empty(len(candidates), int)
    rank[final_ranking(found.interest, found.rows, known)] = np.arange(1, len(candidates) + 1)
    frame = candidates[["iauname"]].assign(interest=found.interest.astype(np.float32), rank=rank)
    if found.rarity is not None:
        frame["rarity"] = found.rarity.astype(np.float32)
    order = np.arange(1, len(found.rows) + 1)
    given = pd.DataFrame({"rated": order, "rating": found.ratings}, found.rows, dtype="Int64")
    return frame.join(given)


def _by_rank(ranked: pd.DataFrame, anomaly: np.ndarray) -> np.ndarray:
    """Say of each rank whether the galaxy there is an anomaly, shape (n,), bool."""
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
    """Give the share of anomalies among the first N of a ranking, for each N, shape (n,)."""
    return np.cumsum(sought) / np.arange(1, len(sought) + 1)


def average_precision(sought: np.ndarray) -> float:
    """Give the mean, over all anomalies, of the accuracy down to each."""
    return float(accuracies(sought)[sought].mean())


def chance_precision(galaxies: int, anomalies: int) -> float:
    """Give the average precision that a random order can be expected to have.

    The anomaly at rank k has k - 1 galaxies before it, of which the share of the other anomalies is
    that among all others; its rank is any with the same probability.
    """
    rank = np.arange(1, galaxies + 1)
    others = (anomalies - 1) / max(galaxies - 1, 1)
    return float(((1 + (rank - 1) * others) / rank).mean())


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
    """Measure how well each method found the anomalies.

    Parameters
    ----------
    candidates
        By `select_candidates`.
    results
        For each method, the files of its repeats by `hunt_anomalies`.
    curves
        CSV to write: method, repeat, first (N), rank_weighted_score, accuracy.
    scores
        CSV to write: method, metric, mean, error (`sigmas` standard deviations of the repeats),
        chance (what a random order can be expected to score), repeats, galaxies, anomalies.
    tops
        N for which accuracy and rank weighted score are given; what is over the number of galaxies
        is left out.
    longest
        Largest N of the curves.
    sigmas
        Standard deviations in an error.
    """
    table = read_table(candidates, text=["iauname"])
    anomaly = table["anomaly"].to_numpy()
    share = anomaly.mean()
    precision = chance_precision(len(anomaly), int(anomaly.sum()))
    drawn, rows = [], []
    for method, paths in results.items():
        found = [_by_rank(read_table(path, columns=["rank"]), anomaly) for path in paths]
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
    first = sought[:longest]
    return pd.DataFrame(
        {
            "first": np.arange(1, len(first) + 1),
            "rank_weighted_score": rank_weighted_scores(first),
            "accuracy": accuracies(first),
        }
    )


def _metrics(sought: np.ndarray, tops: Sequence[int]) -> Iterator[tuple[str, float]]:
    yield "average_precision", average_precision(sought)
    for top in tops:
        if top <= len(sought):
            yield f"accuracy_{top}", accuracies(sought)[top - 1]
            yield f"rank_weighted_score_{top}", rank_weighted_scores(sought)[top - 1]


def project_ellipses(
    vectors: str | Path,
    candidates: str | Path,
    positions: str | Path,
    *,
    n_neighbors: int,
    min_dist: float,
    seed: int,
) -> None:
    """Place galaxies on a plane by their ellipses (Fig. 4, left).

    Parameters
    ----------
    vectors
        By `standardise_features`.
    candidates
        By `select_candidates`.
    positions
        Parquet to write: iauname, umap_x, umap_y.
    n_neighbors, min_dist, seed
        As for `project.project`.
    """
    table = read_table(candidates, text=["iauname"])
    plane = umap_plane(np.load(vectors), n_neighbors, min_dist, seed)
    write_parquet(table[["iauname"]].assign(umap_x=plane[:, 0], umap_y=plane[:, 1]), positions)
