"""Incremental PCA of a representation (paper Sec. 2.3)."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path, write_text
from workflow.lib.common.joins import rows_of
from workflow.lib.represent.vector_files import (
    iter_representation,
    read_names,
    representation_schema,
    representation_table,
    vector_size,
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
        Number of principal components to keep; all, if a representation has fewer numbers.
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
    rows = pq.read_metadata(representation).num_rows
    components = min(components, vector_size(representation))
    if rows < components:
        raise UserError(
            f"{representation}: {rows} galaxies are too few for {components} components; "
            "lower 'pca.components'"
        )
    batches = iter_representation(representation, batch_size, at_least=components)
    fitted, ratio = fit_pca((vectors for _, vectors in batches), components, representation)
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


def fit_pca(
    batches: Iterable[np.ndarray], components: int, path: str | Path
) -> tuple[Compressor, np.ndarray]:
    """Fit an incremental PCA (Ross et al. 2008).

    Its components are those of scikit-learn's `IncrementalPCA`, but for rounding.

    Parameters
    ----------
    batches
        Representations, each of shape (n, 1280), n at least `components`.
    components
        Number of principal components to keep.
    path
        The file of the representations, for messages.

    Returns
    -------
    compressor : Compressor
    ratio : numpy.ndarray
        Shape (components,): the share of the variance that each keeps.

    Raises
    ------
    UserError
        If all representations are equal, or one has a number that is not finite.
    """
    from scipy.linalg import eigh

    seen, mean, spread, kept = 0, 0.0, 0.0, 0.0
    for vectors in batches:
        count, size = vectors.shape
        batch_mean = vectors.mean(axis=0, dtype=float)
        centred, shift = vectors - batch_mean, batch_mean - mean
        # Nothing was seen before the first batch, so nothing is shifted.
        weight = seen * count / (seen + count)
        scatter = centred.T @ centred + weight * np.outer(shift, shift)
        spread += scatter.trace()
        if not np.isfinite(spread):
            raise UserError(f"{path}: a representation has a number that is not finite")
        # Sums of squares along all directions, of which the largest are kept for the next batch.
        # A decomposition of the vectors themselves gives the same, in several times the time.
        squares, directions = eigh(
            scatter + kept, subset_by_index=(size - components, size - 1), overwrite_a=True
        )
        squares = np.maximum(squares, 0)
        kept = (directions * squares) @ directions.T
        seen, mean = seen + count, mean + shift * (count / (seen + count))
        log.info("fitted %d galaxies", seen)
    # Rounding alone is this small.
    if spread <= 1e-24 * seen * (mean @ mean):
        raise UserError(f"{path}: all galaxies have the same representation")
    largest_first = directions.T[::-1]
    ratio = squares[::-1] / spread
    log.info("%d components keep %.4f of the variance", components, ratio.sum())
    return Compressor(mean, _with_signs(largest_first)), ratio


def _with_signs(components: np.ndarray) -> np.ndarray:
    """Turn components so that the largest number of each is positive, as scikit-learn does."""
    largest = np.abs(components).argmax(axis=1)
    return components * np.sign(components[np.arange(len(components)), largest])[:, None]


def compress_some(
    representation: str | Path, iaunames: Sequence[str], components: int, batch_size: int
) -> np.ndarray:
    """Compress the representations of some galaxies by a PCA that is fitted to them alone.

    The file is read twice, and never held in memory as a whole.

    Parameters
    ----------
    representation
        Parquet with all of these galaxies.
    iaunames
        The n galaxies.
    components
        Number of principal components; of few galaxies, one less than there are galaxies, and of
        representations with fewer numbers, all.
    batch_size
        Least number of galaxies per step of the fit.

    Returns
    -------
    numpy.ndarray
        Shape (n, components), float32, in the order of `iaunames`.

    Raises
    ------
    UserError
        If a galaxy has no representation, or all are equal.
    """
    rows_of(iaunames, read_names(representation), representation)
    components = min(components, max(1, len(iaunames) - 1), vector_size(representation))
    batches = _batches_of(representation, iaunames, max(batch_size, components))
    fitted, _ = fit_pca((vectors for _, vectors in batches), components, representation)
    compressed = np.empty((len(iaunames), components), np.float32)
    for places, vectors in _batches_of(representation, iaunames, batch_size):
        compressed[places] = fitted.project(vectors)
    return compressed


def _batches_of(
    representation: str | Path, iaunames: Sequence[str], batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give the places and vectors of galaxies in batches of at least `batch_size`, if there are."""
    place = {name: number for number, name in enumerate(iaunames)}
    count = max(1, len(iaunames) // batch_size)
    ends = np.linspace(0, len(iaunames), count + 1).astype(int)[1:]
    sizes = iter(np.diff(ends, prepend=0).tolist())
    size = next(sizes)
    places, waiting = np.empty(0, int), np.empty((0, 0), np.float32)
    for names, vectors in iter_representation(representation, batch_size):
        found = np.array([place.get(name, -1) for name in names])
        places = np.concatenate([places, found[found >= 0]])
        chosen = vectors[found >= 0]
        waiting = np.concatenate([waiting, chosen]) if len(waiting) else chosen
        while size and len(places) >= size:
            yield places[:size], waiting[:size]
            places, waiting, size = places[size:], waiting[size:], next(sizes, 0)


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
