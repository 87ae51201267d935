"""Planes by umap: whether galaxies near each other have similar votes."""

import numpy as np
import pandas as pd
import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.similarity.planes import compare_planes


def planes(folder, min_votes=10):
    compare_planes(
        {"noise": folder / "noise.parquet"},
        folder / "full.npy",
        folder / "catalogue.parquet",
        folder / "planes.csv",
        questions={"shape": ["round", "long"]},
        answers=[],
        min_votes=min_votes,
        most=110,
        first=5,
        queries=30,
        n_neighbors=10,
        min_dist=0.1,
        seed=1,
        threads=1,
    )
    return pd.read_csv(folder / "planes.csv")


def test_votes_differ_less_in_the_plane_of_vectors_that_tell_the_kinds_apart(survey):
    folder, _ = survey
    table = planes(folder)
    assert table["representation"].value_counts().to_dict() == {"noise": 30, "full": 30}
    by_plane = table.pivot_table(index="iauname", columns="representation", values="difference")
    assert len(by_plane) == 30  # the same galaxies
    # Two kinds, with fractions of 0.9 and 0.1: a random neighbour is of the other one for 44%.
    assert by_plane["full"].mean() < 0.02
    assert by_plane["noise"].mean() == pytest.approx(0.44 * 0.8, abs=0.1)


def test_galaxies_without_votes_are_refused(survey):
    folder, _ = survey
    with pytest.raises(UserError, match="no galaxy has 99 votes on a question"):
        planes(folder, min_votes=99)
    assert np.all([not path.name.startswith("planes") for path in folder.iterdir()])
