"""Representation files: rows in order, bytes and batches that do not depend on the shards."""

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.lib.represent.vector_files import (
    ROW_GROUP,
    count_unusable,
    gather_shards,
    iter_representation,
    read_representation,
    representation_schema,
    representation_table,
    unpack_representation,
)


def write(path, rows, size=2, first=0, row_group_size=None):
    names = [f"J{number:05d}" for number in range(first, first + rows)]
    vectors = np.arange(first * size, (first + rows) * size, dtype=np.float32).reshape(rows, size)
    table = representation_table(names, vectors, representation_schema(size))
    pq.write_table(table, path, row_group_size=row_group_size)
    return path


def gather(folder, edges, row_group_size=None):
    shards = [
        write(folder / f"{index}.parquet", stop - start, first=start, row_group_size=row_group_size)
        for index, (start, stop) in enumerate(itertools.pairwise(edges))
    ]
    gather_shards(shards, folder / "whole.parquet")
    return folder / "whole.parquet"


@settings(max_examples=15)
@given(
    cuts=st.lists(st.integers(0, 2 * ROW_GROUP + 100), max_size=6).map(sorted),
    row_group_size=st.sampled_from([64, 1000, None]),
)
def test_joined_shards_have_the_same_bytes_however_they_were_cut(
    tmp_path_factory, cuts, row_group_size
):
    folder, rows = tmp_path_factory.mktemp("gather"), 2 * ROW_GROUP + 100
    reference = gather(folder, [0, rows]).read_bytes()
    assert gather(folder, [0, *cuts, rows], row_group_size).read_bytes() == reference


def test_joined_shards_keep_their_order_and_values(tmp_path):
    names, vectors = read_representation(gather(tmp_path, [0, 3, 3, 10]))
    assert names == [f"J{number:05d}" for number in range(10)]
    np.testing.assert_array_equal(vectors, np.arange(20).reshape(10, 2))
    schema = pq.read_schema(tmp_path / "whole.parquet")
    assert schema.field("representation").type == pa.list_(pa.float32(), 2)


def test_galaxies_with_a_number_that_is_not_finite_are_counted(tmp_path):
    vectors = np.ones((ROW_GROUP + 5, 3), np.float32)
    vectors[[0, 7, ROW_GROUP], 1] = np.nan, np.inf, np.nan
    names = [f"J{number}" for number in range(len(vectors))]
    pq.write_table(representation_table(names, vectors, representation_schema(3)), tmp_path / "e")
    assert count_unusable(tmp_path / "e") == {"galaxies": ROW_GROUP + 5, "failed": 3}


@settings(max_examples=60)
@given(
    rows=st.integers(0, 60),
    batch_size=st.integers(1, 25),
    at_least=st.integers(1, 25),
    row_group_size=st.integers(1, 70),
)
def test_batches_have_one_size_and_the_last_is_never_too_small(
    tmp_path_factory, rows, batch_size, at_least, row_group_size
):
    at_least = min(at_least, batch_size)
    path = write(tmp_path_factory.mktemp("iter") / "a.parquet", rows, row_group_size=row_group_size)
    batches = list(iter_representation(path, batch_size, at_least))
    names, vectors = read_representation(path)
    assert [name for batch, _ in batches for name in batch] == names
    assert all(len(batch) == len(values) for batch, values in batches)
    if batches:
        np.testing.assert_array_equal(np.concatenate([values for _, values in batches]), vectors)
        sizes = [len(batch) for batch, _ in batches]
        assert all(size == batch_size for size in sizes[:-1])
        assert sizes[-1] < batch_size + at_least
        assert sizes[-1] >= at_least or len(sizes) == 1
    else:
        assert rows == 0


def test_a_missing_shard_leaves_no_file(tmp_path):
    write(tmp_path / "0.parquet", 3)
    with pytest.raises(FileNotFoundError):
        gather_shards([tmp_path / "0.parquet", tmp_path / "1.parquet"], tmp_path / "whole.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["0.parquet"]


@pytest.mark.parametrize("rows", [0, 1, ROW_GROUP, 2 * ROW_GROUP + 3])
def test_the_array_has_the_vectors_in_order_and_can_be_mapped(tmp_path, rows):
    path = write(tmp_path / "a.parquet", rows, size=5)
    unpack_representation(path, tmp_path / "a.npy")
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r" if rows else None)
    assert mapped.dtype == np.float32
    assert mapped.shape == (rows, 5)
    np.testing.assert_array_equal(mapped, read_representation(path)[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "a.parquet"]
