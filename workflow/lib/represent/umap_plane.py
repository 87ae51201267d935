"""What is made of a representation: incremental PCA and umap (paper Sec. 2.3)."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.catalogue.fractions import sample_names
from workflow.lib.common.errors import UserError
from workflow.lib.common.name_seeds import first_drawn, name_keys
from workflow.lib.common.tables import read_table, write_parquet
from workflow.lib.represent.vector_files import (
    read_representation,
)

log = logging.getLogger(__name__)


def project(
    compressed: str | Path,
    catalogue: str | Path,
    votes: str | Path | None,
    positions: str | Path,
    *,
    fractions: Sequence[str],
    threshold: float,
    most: int | None,
    n_neighbors: int,
    min_dist: float,
    seed: int,
) -> None:
    """Place the galaxies of a sample on a plane by umap (McInnes et al. 2018; paper Sec. 2.3).

    Parameters
    ----------
    compressed
        The PCA-compressed representation.
    catalogue
        The survey's catalogue, with vote fractions.
    votes
        Predicted votes, by `predict_votes`, which come before the catalogue's; or None.
    positions
        Parquet to write: iauname, umap_x, umap_y.
    fractions, threshold
        The sample is the galaxies for which the product of these vote fractions is above the
        threshold (Figs. A1, A2); no fractions, all galaxies.
    most
        Of a larger sample so many galaxies are drawn, by their names and the seed; None for all.
    n_neighbors, min_dist, seed
        Of umap; the seed makes it run in one thread.

    Raises
    ------
    UserError
        If the catalogue has none of the fractions, or the sample is too small.
    """
    iaunames, vectors = read_representation(compressed)
    sample = sample_names(catalogue, votes, fractions, threshold)
    rows = np.flatnonzero(pd.Index(iaunames).isin(sample))
    if most is not None:
        rows = draw_rows(iaunames, rows, most, seed)
    if len(rows) <= n_neighbors + 1:
        raise UserError(
            f"{catalogue}: {len(rows)} galaxies with {' * '.join(fractions) or 'an image'} > "
            f"{threshold} are too few for umap with 'umap.n_neighbors' {n_neighbors}"
        )
    log.info("umap of %d galaxies from %d components", len(rows), vectors.shape[1])
    plane = umap_plane(vectors[rows], n_neighbors, min_dist, seed)
    names = [iaunames[row] for row in rows]
    write_parquet(
        pd.DataFrame({"iauname": names, "umap_x": plane[:, 0], "umap_y": plane[:, 1]}), positions
    )


def draw_rows(iaunames: Sequence[str], rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Draw at most so many of these rows by their galaxies' names, whatever their order."""
    return np.sort(first_drawn(rows, name_keys([iaunames[row] for row in rows]), most, seed))


def umap_plane(vectors: np.ndarray, n_neighbors: int, min_dist: float, seed: int) -> np.ndarray:
    """Place vectors of shape (n, d) on a plane by umap: shape (n, 2), float32."""
    from umap import UMAP

    return UMAP(
        n_neighbors=n_neighbors, min_dist=min_dist, random_state=seed, n_jobs=1
    ).fit_transform(vectors)


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
        As for `umap_plane.project`.
    """
    table = read_table(candidates, text=["iauname"])
    plane = umap_plane(np.load(vectors), n_neighbors, min_dist, seed)
    write_parquet(table[["iauname"]].assign(umap_x=plane[:, 0], umap_y=plane[:, 1]), positions)
