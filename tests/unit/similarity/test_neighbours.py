"""Neighbours of tagged galaxies: nearest first, without the galaxy searched from."""

import numpy as np
import pandas as pd
import pytest

from tests.unit.similarity.conftest import COUNT, NAMES, find
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import write_parquet
from workflow.lib.similarity.neighbours import find_others, read_coordinates


@pytest.mark.parametrize("metric", ["manhattan", "euclidean"])
def test_each_tags_query_and_its_neighbours_are_listed_nearest_first(survey, metric):
    folder, vectors = survey
    table = find(folder, metric=metric)
    assert list(table) == ["tag", "query", "rank", "iauname", "distance"]
    assert table["tag"].unique().tolist() == ["round", "rare"]
    assert table.groupby("tag")["query"].unique().str[0].to_dict() == {
        "round": "J007",
        "rare": "J100",
    }
    ours = table[table["tag"] == "round"]
    assert ours["rank"].tolist() == list(range(1, 21))
    order = {"manhattan": 1, "euclidean": 2}[metric]
    apart = np.linalg.norm(vectors - vectors[7], ord=order, axis=1)
    assert ours["iauname"].tolist() == [NAMES[row] for row in np.argsort(apart)[1:21]]
    np.testing.assert_allclose(ours["distance"], np.sort(apart)[1:21], rtol=1e-5)


def test_a_query_that_is_listed_twice_is_not_its_own_neighbour(survey):
    folder, _ = survey
    first = find(folder).query("tag == 'round'")["iauname"].iloc[0]
    catalogue = pd.read_parquet(folder / "catalogue.parquet").set_index("iauname")
    catalogue.loc[first, ["ra", "dec"]] = [7 + 99 / 3600, 0.0]
    write_parquet(catalogue.reset_index(), folder / "catalogue.parquet")
    assert first not in find(folder).query("tag == 'round'")["iauname"].tolist()
    assert first in find(folder, same_within=98).query("tag == 'round'")["iauname"].tolist()


def test_without_coordinates_only_the_query_is_left_out(survey):
    folder, _ = survey
    before = find(folder)
    catalogue = pd.read_parquet(folder / "catalogue.parquet").drop(columns=["ra", "dec"])
    write_parquet(catalogue, folder / "catalogue.parquet")
    pd.testing.assert_frame_equal(find(folder), before)
    assert np.isnan(read_coordinates(folder / "catalogue.parquet", NAMES)).all()


def test_asking_for_more_neighbours_than_galaxies_gives_all_of_them(survey):
    folder, _ = survey
    table = find(folder, k=500)
    assert (table.groupby("tag").size() == COUNT - 1).all()
    assert table["iauname"].notna().all()


def test_tags_only_of_galaxies_without_a_representation_are_refused(survey):
    folder, _ = survey
    tags = pd.DataFrame({"tag": ["ring"], "iauname": ["elsewhere"], "uses": [1.0]})
    write_parquet(tags, folder / "tags.parquet")
    with pytest.raises(UserError, match=r"tags\.parquet: no tagged galaxy has a representation"):
        find(folder)


def test_neighbours_exclude_the_galaxy_itself():
    vectors = np.array([[0], [1], [2], [3]], np.float32)
    rows, lengths = find_others(vectors, np.array([0, 2]), 2, [np.array([0, 1]), np.array([2])])
    assert rows.tolist() == [[2, 3], [1, 3]]
    assert lengths.tolist() == [[2, 3], [1, 1]]
    allowed = np.array([True, True, True, False])
    rows, lengths = find_others(
        vectors, np.array([0]), 3, [np.array([0])], allowed=allowed, metric="euclidean"
    )
    assert rows.tolist() == [[1, 2, -1]]
    assert lengths.tolist() == [[1, 2, np.inf]]


def test_coordinates_of_a_galaxy_that_is_not_in_the_catalogue_are_refused(survey):
    folder, _ = survey
    with pytest.raises(UserError, match=r"catalogue\.parquet: no galaxy J999"):
        read_coordinates(folder / "catalogue.parquet", [*NAMES, "J999"])
