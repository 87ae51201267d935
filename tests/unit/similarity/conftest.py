"""A survey of two kinds of galaxies, and the neighbours of its tagged galaxies."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from workflow.lib.common.tables import write_parquet
from workflow.lib.represent.vector_files import (
    representation_schema,
    representation_table,
    unpack_representation,
)
from workflow.lib.similarity.neighbours import find_neighbours

COUNT = 120

NAMES = [f"J{number:03d}" for number in range(COUNT)]

ROUND = np.arange(COUNT) < 40  # two kinds of galaxies, apart in the representation


@pytest.fixture
def survey(tmp_path):
    """A catalogue, representations and tags of 120 galaxies of two kinds."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(COUNT, 12)).astype(np.float32)
    vectors[ROUND] += 4
    table = representation_table(NAMES, vectors, representation_schema(12))
    pq.write_table(table, tmp_path / "full.parquet")
    unpack_representation(tmp_path / "full.parquet", tmp_path / "full.npy")
    noise = rng.normal(size=(COUNT, 3)).astype(np.float32)
    pq.write_table(
        representation_table(NAMES, noise, representation_schema(3)), tmp_path / "noise.parquet"
    )
    fraction = np.where(ROUND, 0.9, 0.1)
    columns = {
        "iauname": NAMES,
        "ra": np.arange(COUNT, dtype=float),
        "dec": 0.0,
        "shape_total-votes": 30,
        "shape_round_fraction": fraction,
        "shape_long_fraction": 1 - fraction,
    }
    write_parquet(pd.DataFrame(columns).iloc[::-1], tmp_path / "catalogue.parquet")
    tags = pd.DataFrame({"tag": "round", "iauname": np.array(NAMES)[ROUND], "uses": 1.0})
    tags.loc[7, "uses"] = 3.0
    rare = pd.DataFrame({"tag": ["rare"], "iauname": ["J100"], "uses": [2.0]})
    write_parquet(pd.concat([tags, rare]), tmp_path / "tags.parquet")
    return tmp_path, vectors


def find(folder, name="full.parquet", **changes):
    given = {"most_common": 18, "k": 20, "metric": "manhattan", "same_within": 100, "threads": 2}
    find_neighbours(
        folder / name, folder / "catalogue.parquet", folder / "tags.parquet",
        folder / "neighbours.parquet", **given | changes,
    )  # fmt: skip
    return pd.read_parquet(folder / "neighbours.parquet")
