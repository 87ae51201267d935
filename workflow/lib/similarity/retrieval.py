"""Whether neighbours have the same tags and votes more often than by chance (paper Sec. 2.4)."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from workflow.lib.catalogue.fractions import read_vote_fractions
from workflow.lib.common.files import write_text
from workflow.lib.common.joins import rows_of
from workflow.lib.common.name_seeds import first_drawn, name_keys
from workflow.lib.common.tables import read_table
from workflow.lib.similarity.neighbours import (
    find_others,
    read_coordinates,
)
from workflow.lib.similarity.sky_match import same_places
from workflow.lib.similarity.tags import query_galaxies

log = logging.getLogger(__name__)

RETRIEVAL = [
    "kind", "label", "representation", "metric", "first", "queries", "precision", "error",
    "base_rate",
]  # fmt: skip
"""Columns of the table by `measure_retrieval`."""

SHARED_VOTES = ["tag", "query", "first", "difference", "by_chance", "p"]
"""Columns of the table by `compare_votes`."""


class Label(NamedTuple):
    """A tag or answer that a galaxy has or does not have."""

    kind: str
    """``tag`` or ``answer``."""
    name: str
    relevant: np.ndarray
    """Shape (n,), bool: galaxies that have it."""
    known: np.ndarray
    """Shape (n,), bool: galaxies for which it is known whether they have it."""


def measure_retrieval(
    iaunames: Sequence[str],
    opened: Mapping[str, np.ndarray],
    catalogue: str | Path,
    tags: str | Path,
    table: str | Path,
    *,
    metrics: Sequence[str],
    questions: Mapping[str, Sequence[str]],
    answers: Sequence[str],
    most_common: int,
    first: Sequence[int],
    above: float,
    min_votes: int,
    queries: int,
    same_within: float,
    seed: int,
    threads: int,
) -> None:
    """Measure how many neighbours have the tag or answer of the galaxy that was searched from.

    Parameters
    ----------
    iaunames, opened
        The n galaxies, and representations of them, shape (n, d), by name: those of an encoder by
        `neighbours.open_representations`, or one of each encoder by `vector_files.read_common`.
    catalogue, tags, most_common, same_within, threads
        As for `find_neighbours`.
    table
        CSV to write: for each label, representation, metric and number of nearest neighbours
        (first), the number of galaxies searched from (queries), the share of their neighbours that
        have the label (precision: the mean over the queries), its standard error (error), and the
        share of all other galaxies that have the label (base_rate), which is the precision of
        random neighbours. Labels with too few galaxies are left out.
    metrics
        Of `nearest.METRICS`.
    questions, answers, min_votes
        As for `read_vote_fractions`.
    first
        Numbers of nearest neighbours to measure.
    above
        A galaxy has an answer if the answer's vote fraction is larger than this.
    queries
        Maximum number of galaxies with a label to search from.
    seed
        Seed of the random choice of these galaxies.
    """
    labels = [
        *_tag_labels(tags, iaunames, most_common),
        *_answer_labels(
            read_vote_fractions(catalogue, iaunames, questions, answers, min_votes), above
        ),
    ]
    coordinates = read_coordinates(catalogue, iaunames)
    keys = name_keys(iaunames)
    rows = []
    for label in labels:
        have = np.flatnonzero(label.relevant)
        if len(have) < 2 or label.known.sum() <= max(first):
            log.info("%s %s: too few galaxies", label.kind, label.name)
            continue
        chosen = first_drawn(have, keys[have], queries, seed)
        same = same_places(*coordinates, chosen, same_within)
        rows.extend(_measure_label(label, opened, metrics, chosen, same, first, threads))
        log.info("%s %s: searched from %d galaxies", label.kind, label.name, len(chosen))
    frame = pd.DataFrame(rows, columns=RETRIEVAL)
    write_text(frame.to_csv(index=False, float_format="%.4f"), table)


def _tag_labels(tags: str | Path, iaunames: Sequence[str], most_common: int) -> Iterator[Label]:
    """Give the most common tags; a galaxy without a tag counts as not having it."""
    given = read_table(tags, text=["iauname", "tag"])
    known = np.ones(len(iaunames), bool)
    galaxies = pd.Index(iaunames)
    for tag in query_galaxies(given, iaunames, most_common)["tag"]:
        tagged = given.loc[given["tag"] == tag, "iauname"]
        yield Label("tag", tag, galaxies.isin(tagged), known)


def _answer_labels(votes: pd.DataFrame, above: float) -> Iterator[Label]:
    """Give the answers; those of a galaxy with missing fractions are not known."""
    for answer in votes:
        fractions = votes[answer].to_numpy()
        name = answer.removesuffix("_fraction")
        yield Label("answer", name, fractions > above, np.isfinite(fractions))


def _measure_label(
    label: Label,
    representations: Mapping[str, np.ndarray],
    metrics: Sequence[str],
    queries: np.ndarray,
    same: list[np.ndarray],
    first: Sequence[int],
    threads: int,
) -> Iterator[tuple]:
    """Give the rows of the table for one label."""
    base_rate = (label.relevant.sum() - 1) / (label.known.sum() - 1)
    for (name, vectors), metric in itertools.product(representations.items(), metrics):
        found, _ = find_others(
            vectors, queries, max(first), same,
            metric=metric, allowed=label.known, threads=threads,
        )  # fmt: skip
        for count in first:
            shown = label.kind, label.name, name, metric, count, len(queries)
            yield *shown, *precision(found[:, :count], label.relevant), base_rate


def precision(found: np.ndarray, relevant: np.ndarray) -> tuple[float, float]:
    """Give the mean share of neighbours that are relevant, and its standard error.

    Parameters
    ----------
    found
        Shape (q, k): rows of each query's neighbours; -1, used as padding, is ignored.
    relevant
        Shape (n,), bool.
    """
    exists = found >= 0
    shares = (relevant[found] & exists).sum(axis=1) / np.maximum(1, exists.sum(axis=1))
    error = shares.std(ddof=1) / np.sqrt(len(shares)) if len(shares) > 1 else np.nan
    return float(shares.mean()), float(error)


def compare_votes(
    neighbours: str | Path,
    catalogue: str | Path,
    table: str | Path,
    *,
    questions: Mapping[str, Sequence[str]],
    answers: Sequence[str],
    min_votes: int,
    first: Sequence[int],
    draws: int,
    seed: int,
) -> None:
    """Compare volunteers' votes on neighbours with their votes on random galaxies.

    This tests whether galaxies that the search finds similar also have similar votes.

    Parameters
    ----------
    neighbours
        From `find_neighbours`.
    catalogue
        The survey's catalogue.
    table
        CSV to write: for each tag's query and number of nearest neighbours (first), the mean
        absolute difference between the neighbours' vote fractions and the query's (difference), the
        same for all other galaxies (by_chance), and the share of random sets of as many galaxies
        that differ as little from the query (p). Empty if the query or all its neighbours have no
        votes.
    questions, answers, min_votes
        As for `read_vote_fractions`.
    first
        Numbers of nearest neighbours to compare.
    draws
        Number of random sets.
    seed
        Seed of the random sets.
    """
    iaunames = read_table(catalogue, text=["iauname"], columns=["iauname"])["iauname"]
    votes = read_vote_fractions(
        catalogue, iaunames.tolist(), questions, answers, min_votes
    ).to_numpy()
    rows = []
    found = read_table(neighbours, text=["iauname", "query"])
    # For all tags at once, since all names of the catalogue are hashed for it.
    named = [*found["query"], *found["iauname"]]
    query_rows, neighbour_rows = np.split(rows_of(named, iaunames, catalogue), 2)
    found = found.assign(row=neighbour_rows, query_row=query_rows)
    for (tag, query), ranked in found.groupby(["tag", "query"], sort=False):
        row = ranked["query_row"].iloc[0]
        apart = mean_difference(votes, votes[row])
        others = np.delete(apart, row)
        others = others[np.isfinite(others)]
        to_neighbours = apart[ranked["row"]]
        for count in first:
            values = to_neighbours[:count][np.isfinite(to_neighbours[:count])]
            rows.append((tag, query, count, *_beyond_chance(values, others, draws, seed)))
    frame = pd.DataFrame(rows, columns=SHARED_VOTES)
    write_text(frame.to_csv(index=False, float_format="%.4f"), table)


def mean_difference(votes: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Average the differences to a query over the answers known for both; missing if none is.

    Parameters
    ----------
    votes
        Shape (n, answers): vote fractions of all galaxies.
    query
        Shape (answers,): those of the query.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64.
    """
    total, count = np.zeros(len(votes)), np.zeros(len(votes), int)
    for answer, fraction in zip(votes.T, query, strict=True):  # one by one, to save memory
        apart = np.abs(answer - fraction)
        known = np.isfinite(apart)
        total += np.where(known, apart, 0)
        count += known
    with np.errstate(invalid="ignore"):
        return total / count


def _beyond_chance(
    values: np.ndarray, others: np.ndarray, draws: int, seed: int
) -> tuple[float, float, float]:
    """Give the means of `values` and `others`, and the share of random sets with as low a mean."""
    if not len(values):
        return np.nan, np.nan, np.nan
    rng = np.random.default_rng(seed)
    by_chance = rng.choice(others, (draws, len(values))).mean(axis=1)
    p = (1 + (by_chance <= values.mean()).sum()) / (1 + draws)
    return float(values.mean()), float(others.mean()), float(p)
