"""Neighbours of tagged galaxies, and whether neighbours are alike beyond chance (Sec. 2.4)."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from workflow.lib.catalogue.fractions import read_vote_fractions
from workflow.lib.common.files import write_text
from workflow.lib.common.name_seeds import first_drawn, name_keys
from workflow.lib.common.tables import read_table
from workflow.lib.represent.vector_files import read_representation
from workflow.lib.similarity.nearest import METRICS
from workflow.lib.similarity.neighbours import find_others, read_coordinates
from workflow.lib.similarity.sky_match import same_places
from workflow.lib.similarity.tags import query_galaxies

log = logging.getLogger(__name__)

RETRIEVAL = [
    "kind", "label", "representation", "metric", "first", "queries", "precision", "error",
    "base_rate",
]  # fmt: skip
"""Columns of the table of retrieval."""

SHARED_VOTES = ["tag", "query", "first", "difference", "by_chance", "p"]
"""Columns of the table of votes that neighbours share."""


class Label(NamedTuple):
    """Something that a galaxy is or is not."""

    kind: str
    """``tag`` or ``answer``."""
    name: str
    relevant: np.ndarray
    """Shape (n,), bool: galaxies that have it."""
    known: np.ndarray
    """Shape (n,), bool: galaxies of which it is known whether they have it."""


def measure_retrieval(
    compressed: Mapping[str, str | Path],
    full: str | Path,
    catalogue: str | Path,
    tags: str | Path,
    table: str | Path,
    *,
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
    compressed
        Compressed representations, by name.
    full
        The representation itself, by `vector_files.unpack_representation`.
    catalogue, tags, most_common, same_within, threads
        As for `find_neighbours`.
    table
        CSV to write: for each label, representation, metric and number of first neighbours the
        share of these that have the label (precision), averaged over galaxies with it, and its
        standard error; beside it the share of all other galaxies that have it (base_rate), which
        neighbours drawn by chance would reach. Labels with too few galaxies are left out.
    questions, answers, min_votes
        As for `read_vote_fractions`.
    first
        Numbers of neighbours.
    above
        A galaxy has an answer whose vote fraction is larger.
    queries
        Galaxies with a label that are searched from, at most.
    seed
        Of their choice.
    """
    opened: dict[str, np.ndarray] = {}
    for name, path in compressed.items():
        iaunames, opened[name] = read_representation(path)
    opened["full"] = np.load(full, mmap_mode="r")
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
        base_rate = (len(have) - 1) / (label.known.sum() - 1)
        for (name, vectors), metric in itertools.product(opened.items(), METRICS):
            found, _ = find_others(
                vectors, chosen, max(first), same,
                metric=metric, allowed=label.known, threads=threads,
            )  # fmt: skip
            for count in first:
                shown = label.kind, label.name, name, metric, count, len(chosen)
                rows.append((*shown, *precision(found[:, :count], label.relevant), base_rate))
        log.info("%s %s: from %d galaxies", label.kind, label.name, len(chosen))
    frame = pd.DataFrame(rows, columns=RETRIEVAL)
    write_text(frame.to_csv(index=False, float_format="%.4f"), table)


def precision(found: np.ndarray, relevant: np.ndarray) -> tuple[float, float]:
    """Give the mean share of neighbours that are relevant, and its standard error.

    Parameters
    ----------
    found
        Shape (q, k): rows of each query's neighbours; -1, where there are no more, does not count.
    relevant
        Shape (n,), bool.
    """
    there = found >= 0
    shares = (relevant[found] & there).sum(axis=1) / np.maximum(1, there.sum(axis=1))
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
    """Compare volunteers' votes on neighbours with votes on galaxies drawn by chance.

    Do galaxies that the search finds alike share their votes, beyond chance?

    Parameters
    ----------
    neighbours
        By `find_neighbours`.
    catalogue
        The survey's catalogue.
    table
        CSV to write: for each tag's query and number of first neighbours the mean absolute
        difference of vote fractions to the query (difference), that of all other galaxies
        (by_chance), and the share of as large sets of galaxies, drawn by chance, that differ as
        little (p). Empty where nobody voted on the query or on its neighbours.
    questions, answers, min_votes
        As for `read_vote_fractions`.
    first
        Numbers of neighbours.
    draws
        Sets drawn by chance.
    seed
        Of the draws.
    """
    iaunames = read_table(catalogue, text=["iauname"], columns=["iauname"])["iauname"]
    votes = read_vote_fractions(
        catalogue, iaunames.tolist(), questions, answers, min_votes
    ).to_numpy()
    place = pd.Series(np.arange(len(iaunames)), iaunames)
    rows = []
    found = read_table(neighbours, text=["iauname", "query"])
    for (tag, query), ranked in found.groupby(["tag", "query"], sort=False):
        apart = _mean_difference(votes, votes[place[query]])
        others = np.delete(apart, place[query])
        others = others[np.isfinite(others)]
        to_neighbours = apart[place[ranked["iauname"]]]
        for count in first:
            values = to_neighbours[:count][np.isfinite(to_neighbours[:count])]
            rows.append((tag, query, count, *_beyond_chance(values, others, draws, seed)))
    frame = pd.DataFrame(rows, columns=SHARED_VOTES)
    write_text(frame.to_csv(index=False, float_format="%.4f"), table)


def _mean_difference(votes: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Average over the answers known of both; missing where there is none."""
    total, count = np.zeros(len(votes)), np.zeros(len(votes), int)
    for answer, fraction in zip(votes.T, query, strict=True):  # to hold no other such array
        apart = np.abs(answer - fraction)
        known = np.isfinite(apart)
        total += np.where(known, apart, 0)
        count += known
    with np.errstate(invalid="ignore"):
        return total / count


def _beyond_chance(
    values: np.ndarray, others: np.ndarray, draws: int, seed: int
) -> tuple[float, float, float]:
    if not len(values):
        return np.nan, np.nan, np.nan
    rng = np.random.default_rng(seed)
    by_chance = rng.choice(others, (draws, len(values))).mean(axis=1)
    p = (1 + (by_chance <= values.mean()).sum()) / (1 + draws)
    return float(values.mean()), float(others.mean()), float(p)


def _tag_labels(tags: str | Path, iaunames: Sequence[str], most_common: int) -> Iterator[Label]:
    given = read_table(tags, text=["iauname", "tag"])
    everywhere = np.ones(len(iaunames), bool)
    galaxies = pd.Index(iaunames)
    for tag in query_galaxies(given, iaunames, most_common)["tag"]:
        tagged = given.loc[given["tag"] == tag, "iauname"]
        yield Label("tag", tag, galaxies.isin(tagged), everywhere)


def _answer_labels(votes: pd.DataFrame, above: float) -> Iterator[Label]:
    for answer in votes:
        fractions = votes[answer].to_numpy()
        name = answer.removesuffix("_fraction")
        yield Label("answer", name, fractions > above, np.isfinite(fractions))
