"""Representations, and what is made of them: incremental PCA and umap (paper Sec. 2.2, 2.3)."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow.lib.errors import UserError
from workflow.lib.files import atomic_path, write_text
from workflow.lib.tables import read_table, write_parquet

ROW_GROUP = 4096
"""Rows a row group of a representation: the same whatever the shards, so the bytes are too."""

log = logging.getLogger(__name__)


def embed_shard(
    cutouts: str | Path,
    weights: str | Path,
    representation: str | Path,
    *,
    crop_size: int,
    batch_size: int,
    seed: int,
) -> None:
    """Write the representation of each galaxy of a shard (paper Sec. 2.2).

    One forward pass from one randomly drawn view of each image, without dropout.

    Parameters
    ----------
    cutouts
        A cutout shard with `grey` images.
    weights
        An encoder, with its json beside it.
    representation
        Parquet to write: iauname and 1280 float32.
    crop_size
        Side [pixel] of the crop that the network sees.
    batch_size
        Galaxies a forward pass; short batches are filled up, so that the network is compiled once.
    seed
        Of the views.
    """
    import keras

    from workflow.lib.augment import apply_views, draw_views, name_keys
    from workflow.lib.cutouts import iter_grey
    from workflow.lib.encoder import load_encoder

    encoder, description = load_encoder(weights, crop_size)
    schema = representation_schema(encoder.output_shape[-1])
    done = 0
    with atomic_path(representation) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for iaunames, images in iter_grey(cutouts, batch_size):
            count = len(iaunames)
            full = np.concatenate([images, np.repeat(images[-1:], batch_size - count, axis=0)])
            keys = np.pad(name_keys(iaunames), (0, batch_size - count))
            views = draw_views(keys, seed, 0, full.shape[1], crop_size)
            pixels = apply_views(full, views, crop_size)
            pixels = keras.ops.repeat(pixels, description["channels"], axis=-1)
            vectors = np.asarray(encoder.predict_on_batch(pixels), np.float32)[:count]
            if not np.isfinite(vectors).all():
                bad = iaunames[int(np.argmin(np.isfinite(vectors).all(axis=1)))]
                raise UserError(f"{weights}: gives no finite representation of galaxy {bad}")
            writer.write_table(_representation_table(iaunames, vectors, schema))
            done += count
            log.info("%d galaxies embedded", done)


def gather_shards(shards: Sequence[str | Path], path: str | Path) -> None:
    """Join representation shards, in order, in constant memory."""
    schema = pq.read_schema(shards[0])
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for rows in _regroup(_shard_tables(shards), ROW_GROUP):
            writer.write_table(rows.combine_chunks(), row_group_size=ROW_GROUP)


def iter_representation(
    path: str | Path, batch_size: int, at_least: int = 1
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Read a representation in batches; memory stays constant.

    Parameters
    ----------
    batch_size
        Rows a batch.
    at_least
        A last batch of fewer rows than this is joined to the one before.

    Yields
    ------
    iaunames, vectors
        Names, and an array of shape (n, d), float32.
    """
    # Read ahead, the whole file would end up in memory.
    with pq.ParquetFile(path, pre_buffer=False) as file:
        tables = (pa.Table.from_batches([batch]) for batch in file.iter_batches(batch_size))
        waiting: pa.Table | None = None
        for rows in _regroup(tables, batch_size):
            if waiting is not None and len(rows) < at_least:
                rows = pa.concat_tables([waiting, rows])
            elif waiting is not None:
                yield _names_and_vectors(waiting)
            waiting = rows
        if waiting is not None:
            yield _names_and_vectors(waiting)


def read_representation(path: str | Path) -> tuple[list[str], np.ndarray]:
    """Read a whole representation: names, and an array of shape (n, d), float32."""
    return _names_and_vectors(pq.read_table(path))


def compress(
    representation: str | Path,
    components: int,
    batch_size: int,
    compressed: str | Path,
    variance: str | Path,
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
    schema = representation_schema(components)
    with atomic_path(compressed) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for iaunames, vectors in iter_representation(representation, batch_size):
            projected = pca.transform(vectors).astype(np.float32)
            writer.write_table(_representation_table(iaunames, projected, schema))
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
    positions: str | Path,
    *,
    fractions: Sequence[str],
    threshold: float,
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
    positions
        Parquet to write: iauname, umap_x, umap_y.
    fractions, threshold
        The sample is the galaxies for which the product of these vote fractions is above the
        threshold (Figs. A1, A2); no fractions, all galaxies.
    n_neighbors, min_dist, seed
        Of umap; the seed makes it run in one thread.

    Raises
    ------
    UserError
        If the catalogue has none of the fractions, or the sample is too small.
    """
    from umap import UMAP

    iaunames, vectors = read_representation(compressed)
    wanted = np.isin(iaunames, sample_names(catalogue, fractions, threshold))
    if wanted.sum() <= n_neighbors + 1:
        raise UserError(
            f"{catalogue}: {wanted.sum()} galaxies with {' * '.join(fractions) or 'an image'} > "
            f"{threshold} are too few for umap with 'umap.n_neighbors' {n_neighbors}"
        )
    log.info("umap of %d galaxies from %d components", wanted.sum(), vectors.shape[1])
    plane = UMAP(
        n_neighbors=n_neighbors, min_dist=min_dist, random_state=seed, n_jobs=1
    ).fit_transform(vectors[wanted])
    names = np.asarray(iaunames, dtype=object)[wanted]
    write_parquet(
        pd.DataFrame({"iauname": names, "umap_x": plane[:, 0], "umap_y": plane[:, 1]}), positions
    )


def sample_names(catalogue: str | Path, fractions: Sequence[str], threshold: float) -> np.ndarray:
    """Name the galaxies for which the product of the automated vote fractions is above a threshold.

    Where a catalogue has no automated fraction of an answer, the volunteers' is taken.
    """
    galaxies = read_table(catalogue, text=["iauname"])
    product = np.ones(len(galaxies))
    for answer in fractions:
        columns = [f"{answer}_automated-fraction", f"{answer}_fraction", answer]
        column = next((name for name in columns if name in galaxies), None)
        if column is None:
            raise UserError(f"{catalogue}: no column {' or '.join(map(repr, columns))}")
        product = product * galaxies[column].to_numpy()
    return galaxies["iauname"].to_numpy()[product > threshold]


def representation_schema(size: int) -> pa.Schema:
    """Give the schema of a representation of `size` values a galaxy."""
    return pa.schema([("iauname", pa.string()), ("representation", pa.list_(pa.float32(), size))])


def use_threads(count: int) -> None:
    """Hold TensorFlow to `count` CPU threads, in this process and before its first operation."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def _representation_table(
    iaunames: Sequence[str], vectors: np.ndarray, schema: pa.Schema
) -> pa.Table:
    values = pa.FixedSizeListArray.from_arrays(
        np.ascontiguousarray(vectors).ravel(), vectors.shape[1]
    )
    return pa.table([pa.array(iaunames, pa.string()), values], schema=schema)


def _names_and_vectors(rows: pa.Table) -> tuple[list[str], np.ndarray]:
    column = rows["representation"].combine_chunks()
    size = column.type.list_size
    return rows["iauname"].to_pylist(), column.flatten().to_numpy().reshape(-1, size)


def _shard_tables(shards: Sequence[str | Path]) -> Iterator[pa.Table]:
    for shard in shards:
        with pq.ParquetFile(shard, pre_buffer=False) as file:
            for batch in file.iter_batches(ROW_GROUP):
                yield pa.Table.from_batches([batch])


def _regroup(tables: Iterator[pa.Table], size: int) -> Iterator[pa.Table]:
    """Cut a stream of tables into tables of `size` rows, the last one shorter."""
    waiting: pa.Table | None = None
    for table in tables:
        waiting = table if waiting is None else pa.concat_tables([waiting, table])
        while len(waiting) >= size:
            yield waiting.slice(0, size)
            waiting = waiting.slice(size)
    if waiting is not None and len(waiting):
        yield waiting
