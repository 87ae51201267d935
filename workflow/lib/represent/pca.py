"""Incremental PCA of a representation (paper Sec. 2.3)."""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path, write_text
from workflow.lib.represent.vector_files import (
    iter_representation,
    representation_schema,
    representation_table,
)

log = logging.getLogger(__name__)


class Compressor(NamedTuple):
    """A fitted PCA, which turns representations into their principal components (Sec. 2.3)."""

    mean: np.ndarray
    """Shape (1280,), float64."""
    components: np.ndarray
    """Shape (d, 1280), float64."""

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """Compress representations of shape (n, 1280) to (n, d), float32."""
        return ((vectors - self.mean) @ self.components.T).astype(np.float32)


def compress(
    representation: str | Path,
    components: int,
    batch_size: int,
    compressed: str | Path,
    variance: str | Path,
    compressor: str | Path,
) -> None:
    """Reduce a representation by incremental PCA (Ross et al. 2008; paper Sec. 2.3).

    The file is read twice, in constant memory: once to fit the PCA and once to apply it.

    Parameters
    ----------
    representation
        Parquet of n galaxies, by `vector_files.gather_shards`.
    components
        Number of principal components to keep.
    batch_size
        Galaxies per step of the fit.
    compressed
        Parquet to write: iauname and representation (`components` float32).
    variance
        CSV to write: component (from 1), explained_variance_ratio, cumulative.
    compressor
        NumPy file to write: the fitted PCA, with which other images can be compressed.

    Raises
    ------
    UserError
        If there are fewer galaxies than components, or all representations are equal.
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


def save_compressor(compressor: Compressor, path: str | Path) -> None:
    """Write a fitted PCA."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **compressor._asdict())


def read_compressor(path: str | Path) -> Compressor:
    """Read a fitted PCA; raise `UserError` if the file does not hold one."""
    try:
        with np.load(path) as file:
            return Compressor(**{name: file[name] for name in Compressor._fields})
    except Exception as error:
        raise UserError(f"{path}: not a fitted PCA ({error})") from error
