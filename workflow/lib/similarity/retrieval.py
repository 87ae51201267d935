"""Neighbours of tagged galaxies, and whether neighbours are alike beyond chance (Sec. 2.4)."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow.lib.draws import first_drawn, name_keys
from workflow.lib.errors import UserError
from workflow.lib.files import write_text
from workflow.lib.representation import read_representation
from workflow.lib.similarity import METRICS, find_others, same_places
from workflow.lib.tables import read_table, write_parquet
from workflow.lib.tags import query_galaxies

log = logging.getLogger(__name__)

RETRIEVAL = [
    "kind", "label", "representation", "metric", "first", "queries", "precision", "error",
    "base_rate",
]  # fmt: skip
"""Columns of the table of retrieval."""

SHARED_VOTES = ["tag", "query", "first", "difference", "by_chance", "p"]
"""Columns of the table of votes that neighbours share."""


def find_neighbours(
    representation: str | Path,
    catalogue: str | Path,
    tags: str | Path,
    neighbours: str | Path,
    *,
    most_common: int,
    k: int,
    metric: str,
    same_within: float,
    threads: int,
) -> None:
    """Find the galaxies most similar to the one most often given each common tag (Sec. 2.4).

    Parameters
    ----------
    representation
        The compressed representation.
    catalogue
        The survey's catalogue; without coordinates only the query itself is dropped.
    tags
        By `tags.gather_tags`.
    neighbours
        Parquet to write: tag, query, rank (from 1), iauname, distance; the most common tag first.
    most_common
        How many tags.
    k
        Neighbours of each.
    metric
        One of `similarity.METRICS`.
    same_within
        Galaxies so near to the query on the sky are the same galaxy, and dropped [arcsec].
    threads
        CPU threads.
    """
    iaunames, vectors = read_representation(representation)
    queries = _queries(tags, iaunames, most_common)
    rows = pd.Index(iaunames).get_indexer(queries["query"])
    same = same_places(*read_coordinates(catalogue, iaunames), rows, same_within)
    found, away = find_others(vectors, rows, k, same, metric=metric, threads=threads)
    log.info("%d neighbours of each of %d galaxies among %d", k, len(rows), len(iaunames))
    table = queries.loc[queries.index.repeat(k)].assign(
        rank=np.tile(np.arange(1, k + 1), len(queries)),
        iauname=np.asarray(iaunames, object)[found.ravel()],
        distance=away.ravel(),
    )
    write_parquet(table[found.ravel() >= 0], neighbours)


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
        The representation itself, by `representation.unpack_representation`.
    catalogue, tags, most_common, same_within, threads
        As for `find_neighbours`.
    table
        CSV to write: for each label, representation, metric and number of first neighbours the
        share of these that have the label (precision), averaged over galaxies with it, and its
        standard error; beside it the share of all other galaxies that have it (base_rate), which
        neighbours drawn by chance would reach. Labels with too few galaxies are left out.
    questions, answers, min_votes
        As for `read_votes`.
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
        *_answer_labels(read_votes(catalogue, iaunames, questions, answers, min_votes), above),
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
        As for `read_votes`.
    first
        Numbers of neighbours.
    draws
        Sets drawn by chance.
    seed
        Of the draws.
    """
    iaunames = read_table(catalogue, text=["iauname"], columns=["iauname"])["iauname"]
    votes = read_votes(catalogue, iaunames.tolist(), questions, answers, min_votes).to_numpy()
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


def read_votes(
    catalogue: str | Path,
    iaunames: Sequence[str],
    questions: Mapping[str, Sequence[str]],
    answers: Sequence[str],
    min_votes: int,
) -> pd.DataFrame:
    """Read the fractions of volunteers' votes.

    Parameters
    ----------
    catalogue
        The survey's catalogue.
    iaunames
        The galaxies wanted, n of them, all in the catalogue.
    questions
        With their answers; those that are not in the catalogue are left out.
    answers
        More columns of vote fractions.
    min_votes
        On a question with fewer votes a galaxy's fractions are missing.

    Returns
    -------
    pandas.DataFrame
        A float64 column of n fractions for each answer.
    """
    have = set(pq.read_schema(catalogue).names)
    columns = {
        f"{question}_{answer}_fraction": f"{question}_total-votes"
        for question, known in questions.items()
        for answer in known
    } | dict.fromkeys(answers)
    wanted = {column: total for column, total in columns.items() if column in have}
    totals = {total for total in wanted.values() if total in have}
    table = read_table(catalogue, text=["iauname"], columns=["iauname", *wanted, *totals])
    table = table.set_index("iauname").loc[iaunames]
    fractions = table[list(wanted)].astype(np.float64)
    for column, total in wanted.items():
        if total in have:
            fractions[column] = fractions[column].where(table[total] >= min_votes)
    return fractions


def read_coordinates(
    catalogue: str | Path, iaunames: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Read RA and Dec of these galaxies [deg], each of shape (n,); missing if there are none."""
    if not {"ra", "dec"} <= set(pq.read_schema(catalogue).names):
        nowhere = np.full(len(iaunames), np.nan)
        return nowhere, nowhere
    table = read_table(catalogue, text=["iauname"], columns=["iauname", "ra", "dec"])
    table = table.set_index("iauname").loc[iaunames]
    return table["ra"].to_numpy(np.float64), table["dec"].to_numpy(np.float64)


def _queries(tags: str | Path, iaunames: Sequence[str], most_common: int) -> pd.DataFrame:
    queries = query_galaxies(read_table(tags, text=["iauname", "tag"]), iaunames, most_common)
    if queries.empty:
        raise UserError(f"{tags}: no tagged galaxy has a representation")
    return queries


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
