"""Shards: together they are the catalogue, in order."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.catalogue.conftest import select_atlas, select_table
from workflow.lib.catalogue.shards import shard_rows, write_shard
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import read_table


@given(rows=st.integers(0, 10**6), count=st.integers(1, 500))
def test_shards_are_consecutive_and_of_equal_size_within_one(rows, count):
    parts = [shard_rows(rows, index, count) for index in range(count)]
    assert parts[0].start == 0
    assert parts[-1].stop == rows
    assert all(a.stop == b.start for a, b in itertools.pairwise(parts))
    sizes = {part.stop - part.start for part in parts}
    assert max(sizes) - min(sizes) <= 1


def test_shards_of_any_number_join_to_the_same_catalogue(tables):
    select_atlas(tables, cuts={}, exclude=[])
    whole = read_table(tables / "c.parquet")
    for count in (1, 2, 5, 9):
        shards = [tables / "shards" / f"{index}-of-{count}.csv" for index in range(count)]
        for shard in shards:
            write_shard(tables / "c.parquet", shard)
        joined = pd.concat([read_table(shard, text=["iauname"]) for shard in shards])
        assert list(joined) == ["iauname", "ra", "dec", "petro_th50", "petro_th90", "pixel_scale"]
        for column in joined:
            same = joined[column].astype(whole[column].dtype)
            np.testing.assert_array_equal(same, whole[column])


def test_a_survey_without_positions_has_shards_of_names(tmp_path):
    select_table(tmp_path, pd.DataFrame({"id": ["007", "1e5"], "ring": [1, 0]}))
    write_shard(tmp_path / "c.parquet", tmp_path / "1-of-2.csv")
    assert (tmp_path / "1-of-2.csv").read_text() == "iauname\n1e5\n"


def test_more_shards_than_galaxies_are_refused(tmp_path):
    select_table(tmp_path, pd.DataFrame({"id": ["a", "b"]}))
    with pytest.raises(
        UserError, match=r"2 galaxies are too few for 3 shards; .*surveys\.c\.shards"
    ):
        write_shard(tmp_path / "c.parquet", tmp_path / "0-of-3.csv")
