"""What is made of a representation: incremental PCA and umap (paper Sec. 2.3)."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow.lib.draws import first_drawn, name_keys
from workflow.lib.errors import UserError
from workflow.lib.files import atomic_path, write_text
from workflow.lib.representation import (
    Compressor,
    iter_representation,
    read_representation,
    representation_schema,
    representation_table,
    save_compressor,
)
from workflow.lib.tables import read_table, write_parquet

log = logging.getLogger(__name__)


def compress(
    representation: str | Path,
    components: int,
    batch_size: int,
    compressed: str | Path,
    variance: str | Path,
    compressor: str | Path,
) -> None:
    """Reduce a representation by incremental PCA (Ross et al. 2008; paper Sec. 2.3).

    Two passes over the file, in constant memory: one to fit, one to project.

    Parameters
    ----------
    components
        How many to keep.
    batch_size
        Galaxies a step of the fit.
    compressed
        Parquet to write: iauname and `components` float32.
    variance
        CSV to write: component (from 1), explained_variance_ratio, cumulative.
    compressor
        NumPy file to write, by which other images can be compressed likewise.

    Raises
    ------
    UserError
        If there are fewer galaxies than components, or the galaxies do not differ.
    """
    from sklearn.decomposition import IncrementalPCA

    rows = pq.read_metadata(representation).num_rows
    if rows < components:
        raise UserError(
            f"{representation}: {rows} galaxies are too few for {components} components; "
            "lower 'pca.components'"
        )
    pca = IncrementalPCA(components, batch_size=batch_size)
    for _, vectors in iter_representation(representation, batch_size, at_least=components):
        pca.partial_fit(vectors)
        log.info("fitted %d of %d galaxies", pca.n_samples_seen_, rows)
    ratio = pca.explained_variance_ratio_
    if not np.isfinite(ratio).all():
        raise UserError(f"{representation}: all galaxies have the same representation")
    log.info("%d components keep %.4f of the variance", components, ratio.sum())
    fitted = Compressor(pca.mean_, pca.components_)
    save_compressor(fitted, compressor)
    schema = representation_schema(components)
    with atomic_path(compressed) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for iaunames, vectors in iter_representation(representation, batch_size):
            writer.write_table(representation_table(iaunames, fitted.project(vectors), schema))
    table = pd.DataFrame(
        {
            "component": np.arange(1, components + 1),
            "explained_variance_ratio": ratio,
            "cumulative": ratio.cumsum(),
        }
    )
    write_text(table.to_csv(index=False, float_format="%.6f"), variance)


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
        Predicted votes, by `embed.predict_votes`, which come before the catalogue's; or None.
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


def sample_names(
    catalogue: str | Path, votes: str | Path | None, fractions: Sequence[str], threshold: float
) -> np.ndarray:
    """Name the galaxies for which the product of the vote fractions is above a threshold."""
    names, product = fraction_product(votes or catalogue, fractions)
    return names[product > threshold]


def fraction_product(table: str | Path, fractions: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Multiply the vote fractions of each galaxy.

    Where there is no automated fraction of an answer, the volunteers' is taken.

    Returns
    -------
    iaunames : numpy.ndarray
        Shape (n,), of all galaxies of the table.
    product : numpy.ndarray
        Shape (n,), float64; 1 for no fractions, missing where one is.

    Raises
    ------
    UserError
        If the table has no column for a fraction.
    """
    have, wanted = pq.read_schema(table).names, []
    for answer in fractions:
        columns = [f"{answer}_automated-fraction", f"{answer}_fraction", answer]
        column = next((name for name in columns if name in have), None)
        if column is None:
            raise UserError(f"{table}: no column {' or '.join(map(repr, columns))}")
        wanted.append(column)
    # Not the whole catalogue: it has a hundred columns more.
    galaxies = read_table(table, text=["iauname"], columns=["iauname", *dict.fromkeys(wanted)])
    product = np.ones(len(galaxies))
    for column in wanted:
        product = product * galaxies[column].to_numpy()
    return galaxies["iauname"].to_numpy(), product
