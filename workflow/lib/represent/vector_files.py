"""Files of representations: 1280 numbers per galaxy, or the fewer components of a PCA."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path
from workflow.lib.common.joins import rows_of

log = logging.getLogger(__name__)

ROW_GROUP = 1024
"""Rows per row group of a representation: fixed, so that its bytes do not depend on the shards."""


def representation_schema(size: int) -> pa.Schema:
    """Give the schema of a representation with `size` values per galaxy."""
    return pa.schema([("iauname", pa.string()), ("representation", pa.list_(pa.float32(), size))])


def representation_table(
    iaunames: Sequence[str], vectors: np.ndarray, schema: pa.Schema
) -> pa.Table:
    """Make a table in `schema` from names and vectors of shape (n, d), float32."""
    values = pa.FixedSizeListArray.from_arrays(
        np.ascontiguousarray(vectors).ravel(), vectors.shape[1]
    )
    return pa.table([pa.array(iaunames, pa.string()), values], schema=schema)


def read_representation(path: str | Path) -> tuple[list[str], np.ndarray]:
    """Read a whole representation: names, and an array of shape (n, d), float32."""
    return _names_and_vectors(pq.read_table(path))


def read_names(path: str | Path) -> list[str]:
    """Read the names of a representation's galaxies."""
    return pq.read_table(path, columns=["iauname"])["iauname"].to_pylist()


def read_common(paths: Mapping[str, str | Path]) -> tuple[list[str], dict[str, np.ndarray]]:
    """Read representations of the same galaxies: those that all of several files have.

    Parameters
    ----------
    paths
        Representations, by name.

    Returns
    -------
    iaunames : list of str
        The n galaxies, in the order of the first file.
    vectors : dict
        By name, arrays of shape (n, d), float32.

    Raises
    ------
    UserError
        If the files have no galaxy in common.
    """
    names = {name: read_names(path) for name, path in paths.items()}
    shared = set.intersection(*map(set, names.values()))
    common = [name for name in next(iter(names.values())) if name in shared]
    if not common:
        raise UserError(f"{', '.join(map(str, paths.values()))}: no galaxy is in all of these")
    if len(common) < max(map(len, names.values())):
        log.info("%d galaxies are in all of %s", len(common), ", ".join(paths))
    vectors = {}
    for name, path in paths.items():
        found, values = read_representation(path)
        vectors[name] = values[rows_of(common, found, path)]
    return common, vectors


def iter_representation(
    path: str | Path, batch_size: int, at_least: int = 1
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Read a representation in batches; memory stays constant.

    Parameters
    ----------
    batch_size
        Rows per batch.
    at_least
        A last batch with fewer rows than this is joined to the batch before it.

    Yields
    ------
    iaunames, vectors
        Names, and an array of shape (n, d), float32.
    """
    # With pre_buffer, pyarrow reads ahead until the whole file is in memory.
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


def gather_shards(shards: Sequence[str | Path], path: str | Path) -> None:
    """Join representation shards, in order, in constant memory."""
    schema = pq.read_schema(shards[0])
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for rows in _regroup(_shard_tables(shards), ROW_GROUP):
            writer.write_table(rows.combine_chunks(), row_group_size=ROW_GROUP)


def count_unusable(path: str | Path) -> dict[str, int]:
    """Count the galaxies of a file, and those with a number that is not finite, in blocks."""
    finite = [np.isfinite(rows).all(axis=1) for _, rows in iter_representation(path, ROW_GROUP)]
    galaxies = sum(map(len, finite))
    return {"galaxies": galaxies, "failed": galaxies - int(sum(one.sum() for one in finite))}


def unpack_representation(representation: str | Path, vectors: str | Path) -> None:
    """Write a representation's vectors as one NumPy array, which searches map into memory.

    Parameters
    ----------
    representation
        Parquet of n galaxies.
    vectors
        NumPy file to write, in constant memory: shape (n, d), float32, in the same order.
    """
    shape = pq.read_metadata(representation).num_rows, vector_size(representation)
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    # In blocks, not through a memory map: the whole map would count as this job's memory.
    names: list[str] = []
    with atomic_path(vectors, rows=names) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for iaunames, rows in iter_representation(representation, ROW_GROUP):
            names += iaunames
            file.write(rows.tobytes())


def vector_size(path: str | Path) -> int:
    """Give the number of values in each representation of a file."""
    return pq.read_schema(path).field("representation").type.list_size


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
    """Cut a stream of tables into tables of `size` rows; the last one may be shorter."""
    waiting: pa.Table | None = None
    for table in tables:
        waiting = table if waiting is None else pa.concat_tables([waiting, table])
        while len(waiting) >= size:
            yield waiting.slice(0, size)
            waiting = waiting.slice(size)
    if waiting is not None and len(waiting):
        yield waiting
