"""The nearest neighbours of tagged galaxies (paper Sec. 2.4)."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow.lib.common.columns import possible
from workflow.lib.common.errors import UserError
from workflow.lib.common.joins import map_array, need_same, rows_of
from workflow.lib.common.tables import read_table, write_parquet
from workflow.lib.represent.vector_files import read_representation
from workflow.lib.similarity.nearest import nearest
from workflow.lib.similarity.sky_match import same_places
from workflow.lib.similarity.tags import query_galaxies

log = logging.getLogger(__name__)


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
        The survey's catalogue. Without coordinates only the query itself is left out.
    tags
        From `tags.gather_tags` or `tags.derive_tags`.
    neighbours
        Parquet to write: tag, query, rank (from 1), iauname, distance; the most common tag first.
    most_common
        Number of tags.
    k
        Number of neighbours for each tag.
    metric
        One of `nearest.METRICS`.
    same_within
        Galaxies within this distance of the query on the sky count as the same galaxy, and are
        left out [arcsec].
    threads
        CPU threads.

    Raises
    ------
    UserError
        If no tagged galaxy has a representation.
    """
    iaunames, vectors = read_representation(representation)
    queries = _read_queries(tags, iaunames, most_common)
    rows = rows_of(queries["query"], iaunames, representation)
    same = same_places(*read_coordinates(catalogue, iaunames), rows, same_within)
    found, away = find_others(vectors, rows, k, same, metric=metric, threads=threads)
    log.info("%d neighbours of each of %d galaxies among %d", k, len(rows), len(iaunames))
    table = queries.loc[queries.index.repeat(k)].assign(
        rank=np.tile(np.arange(1, k + 1), len(queries)),
        iauname=np.asarray(iaunames, object)[found.ravel()],
        distance=away.ravel(),
    )
    write_parquet(table[found.ravel() >= 0], neighbours)


def _read_queries(tags: str | Path, iaunames: Sequence[str], most_common: int) -> pd.DataFrame:
    """Give the most common tags, and the galaxy to search from for each: columns tag, query."""
    queries = query_galaxies(read_table(tags, text=["iauname", "tag"]), iaunames, most_common)
    if queries.empty:
        raise UserError(f"{tags}: no tagged galaxy has a representation")
    return queries


def read_coordinates(
    catalogue: str | Path, iaunames: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Read RA and Dec of galaxies [deg]: each of shape (n,), missing without such columns."""
    if not {"ra", "dec"} <= set(pq.read_schema(catalogue).names):
        missing = np.full(len(iaunames), np.nan)
        return missing, missing
    table = read_table(catalogue, text=["iauname"], columns=["iauname", "ra", "dec"])
    table = table.iloc[rows_of(iaunames, table["iauname"], catalogue)]
    ra, dec = (possible(table[name].to_numpy(np.float64), name) for name in ("ra", "dec"))
    return ra, dec


def open_representations(
    compressed: Mapping[str, str | Path], full: str | Path
) -> tuple[list[str], dict[str, np.ndarray]]:
    """Open compressed representations, and the ``full`` one.

    Parameters
    ----------
    compressed
        Files of compressed representations, by name.
    full
        The representation itself, by `vector_files.unpack_representation`.

    Returns
    -------
    iaunames : list of str
    vectors : dict
        By name, arrays of shape (n, d).

    Raises
    ------
    UserError
        If they are not of the same galaxies.
    """
    opened: dict[str, np.ndarray] = {}
    iaunames: list[str] = []
    for name, path in compressed.items():
        found, opened[name] = read_representation(path)
        need_same(iaunames or found, found, path)
        iaunames = found
    return iaunames, opened | {"full": map_array(full, iaunames)}


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
    """Find the nearest neighbours of galaxies, other than the galaxies themselves.

    Parameters
    ----------
    vectors, k, metric, allowed, threads
        As for `nearest`.
    rows
        Shape (q,): rows of the galaxies to search from.
    same
        For each of them the rows that are left out, from `same_places`.

    Returns
    -------
    neighbours : numpy.ndarray
        Shape (q, k), int64; padded with -1 if a galaxy has fewer than k neighbours.
    distances : numpy.ndarray
        The same shape, float32; padded with infinity.
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
