"""Whether neighbours stay the same with fewer dimensions or another distance."""

import numpy as np
import pandas as pd
import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.similarity.overlap import measure_overlap, shared


def overlap(folder, **compressed):
    measure_overlap(
        {name: folder / file for name, file in compressed.items()},
        folder / "full.npy",
        folder / "catalogue.parquet",
        folder / "overlap.csv",
        first=[5, 20], queries=60, same_within=0, seed=1, threads=2,
    )  # fmt: skip
    return pd.read_csv(folder / "overlap.csv")


def test_the_share_of_equal_neighbours_ignores_their_order_and_padding():
    found = np.array([[1, 2, 3], [4, 5, -1], [-1, -1, -1]])
    other = np.array([[3, 9, 1], [5, 4, -1], [-1, -1, -1]])
    assert shared(found, other).tolist() == [2 / 3, 1, 0]


def test_the_same_vectors_share_all_neighbours_and_noise_those_of_chance(survey):
    folder, _ = survey
    table = overlap(folder, same="full.parquet", noise="noise.parquet")
    assert (table["queries"] == 60).all()
    dimensions = table[table["metric"] == "manhattan"].set_index(["representation", "first"])
    assert (dimensions[["beside", "beside_metric"]] == ["full", "manhattan"]).all(axis=None)
    assert dimensions.loc["same", "shared"].tolist() == [1, 1]
    # 20 of the other 119 galaxies.
    assert dimensions.loc[("noise", 20), "shared"] == pytest.approx(20 / 119, abs=0.05)


def test_each_metric_is_compared_with_manhattan_in_the_same_dimensions(survey):
    folder, _ = survey
    table = overlap(folder, noise="noise.parquet")
    metrics = table[table["metric"] == "euclidean"]
    assert set(metrics["representation"]) == {"noise", "full"}
    assert (metrics["beside"] == metrics["representation"]).all()
    assert metrics["shared"].between(0.5, 0.99).all()


def test_representations_of_other_galaxies_are_refused(survey):
    folder, vectors = survey
    with pytest.raises(UserError, match="made from other galaxies"):
        np.save(folder / "full.npy", vectors[1:])
        overlap(folder, noise="noise.parquet")
