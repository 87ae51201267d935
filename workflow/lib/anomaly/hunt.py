"""Searches for anomalies by one method, with simulated ratings (paper Sec. 3.3)."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.anomaly.active_learning import LabelRater, final_ranking
from workflow.lib.anomaly.methods import Found, search
from workflow.lib.anomaly.scores import average_precision, by_rank
from workflow.lib.common.errors import UserError
from workflow.lib.common.joins import map_array
from workflow.lib.common.tables import read_table, write_parquet

log = logging.getLogger(__name__)


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
    """Search for anomalies with ratings from the volunteers' votes, once for each repeat.

    Parameters
    ----------
    candidates
        By `candidates.select_candidates`.
    vectors
        By `candidates.standardise_features`.
    repeats
        Numbers of the repeats; with the seed, each sets the random draws of its repeat.
    results
        Parquet to write for each repeat: iauname, interest, rank (from 1), rarity (only for the
        baseline), rated (place in the order of ratings, from 1; missing if not rated), rating.
    search_by, settings
        A name of `methods.SEARCHES`, and its settings.
    known_first
        Whether rated galaxies that are anomalies come first in the ranking, and rated ones that
        are not have interest 0. Otherwise rated galaxies are ranked like the others.
    ratings
        Number of galaxies to rate.
    seed
        Sets the random draws of all repeats.
    threads
        Number of threads to use.

    Raises
    ------
    UserError
        If there are fewer galaxies than ratings, or the vectors are of other galaxies.
    """
    table = read_table(candidates, text=["iauname"])
    features = np.array(map_array(vectors, table["iauname"]))
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
            repeat, anomaly[found.rows].sum(), average_precision(by_rank(frame, table, result)),
        )  # fmt: skip


def _ranked(candidates: pd.DataFrame, found: Found, known_first: bool) -> pd.DataFrame:
    """Rank all candidates by the result of a search, as a table in their order."""
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
