"""The nearest neighbours of tagged galaxies (paper Sec. 2.4)."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import read_table, write_parquet
from workflow.lib.represent.vector_files import read_representation
from workflow.lib.similarity.nearest import nearest
from workflow.lib.similarity.sky_match import same_places
from workflow.lib.similarity.tags import query_galaxies

log = logging.getLogger(__name__)


def find_others(
    vectors: np.ndarray,
    rows: np.ndarray,
    k: int,
    same: list[np.ndarray],
    *,
    metric: str = "manhattan",
    allowed: np.ndarray | None = None,
    threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest neighbours of galaxies, without themselves.

    Parameters
    ----------
    vectors, k, metric, allowed, threads
        As for `nearest`.
    rows
        Shape (q,): the galaxies.
    same
        Of each the rows that do not count as its neighbours, by `same_places`.

    Returns
    -------
    neighbours : numpy.ndarray
        Shape (q, k), int64; -1 where there are no more.
    distances : numpy.ndarray
        The same shape, float32; infinite where there are no more.
    """
    spare = max((len(others) for others in same), default=0)
    found, away = nearest(
        vectors, vectors[rows], k + spare, metric=metric, allowed=allowed, threads=threads
    )
    neighbours = np.full((len(rows), k), -1, np.int64)
    lengths = np.full((len(rows), k), np.inf, np.float32)
    for query, others in enumerate(same):
        kept = np.flatnonzero(~np.isin(found[query], others))[:k]
        neighbours[query, : len(kept)] = found[query, kept]
        lengths[query, : len(kept)] = away[query, kept]
    return neighbours, lengths


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
        One of `nearest.METRICS`.
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
