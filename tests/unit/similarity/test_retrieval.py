"""Neighbours of tagged galaxies, precision against the base rate, votes shared beyond chance."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from workflow.lib.catalogue.fractions import read_vote_fractions
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import write_parquet
from workflow.lib.represent.vector_files import (
    representation_schema,
    representation_table,
    unpack_representation,
)
from workflow.lib.similarity.neighbours import find_neighbours, read_coordinates
from workflow.lib.similarity.retrieval import compare_votes, measure_retrieval, precision

QUESTIONS = {"shape": ["round", "long"], "never-asked": ["yes"]}
COUNT = 120
NAMES = [f"J{number:03d}" for number in range(COUNT)]
ROUND = np.arange(COUNT) < 40  # galaxies come in two kinds that the representation knows


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


def test_the_query_catalogued_twice_is_no_neighbour_of_itself(survey):
    folder, _ = survey
    first = find(folder).query("tag == 'round'")["iauname"].iloc[0]
    catalogue = pd.read_parquet(folder / "catalogue.parquet").set_index("iauname")
    catalogue.loc[first, ["ra", "dec"]] = [7 + 99 / 3600, 0.0]
    write_parquet(catalogue.reset_index(), folder / "catalogue.parquet")
    assert first not in find(folder).query("tag == 'round'")["iauname"].tolist()
    assert first in find(folder, same_within=98).query("tag == 'round'")["iauname"].tolist()


def test_without_coordinates_only_the_query_is_dropped(survey):
    folder, _ = survey
    before = find(folder)
    catalogue = pd.read_parquet(folder / "catalogue.parquet").drop(columns=["ra", "dec"])
    write_parquet(catalogue, folder / "catalogue.parquet")
    pd.testing.assert_frame_equal(find(folder), before)
    assert np.isnan(read_coordinates(folder / "catalogue.parquet", NAMES)).all()


def test_more_neighbours_than_galaxies_are_all_of_them(survey):
    folder, _ = survey
    table = find(folder, k=500)
    assert (table.groupby("tag").size() == COUNT - 1).all()
    assert table["iauname"].notna().all()


def test_tags_of_galaxies_without_a_representation_are_told(survey):
    folder, _ = survey
    tags = pd.DataFrame({"tag": ["ring"], "iauname": ["elsewhere"], "uses": [1.0]})
    write_parquet(tags, folder / "tags.parquet")
    with pytest.raises(UserError, match=r"tags\.parquet: no tagged galaxy has a representation"):
        find(folder)


def measure(folder, **changes):
    given = {
        "questions": QUESTIONS, "answers": [], "most_common": 18, "first": [5, 10], "above": 0.5,
        "min_votes": 10, "queries": 30, "same_within": 100, "seed": 1, "threads": 2,
    }  # fmt: skip
    measure_retrieval(
        {"noise": folder / "noise.parquet"}, folder / "full.npy", folder / "catalogue.parquet",
        folder / "tags.parquet", folder / "retrieval.csv", **given | changes,
    )  # fmt: skip
    return pd.read_csv(folder / "retrieval.csv")


def test_precision_is_high_where_the_representation_knows_and_the_base_rate_where_not(survey):
    folder, _ = survey
    table = measure(folder)
    assert set(table["label"]) == {"round", "shape_round", "shape_long"}  # one is too rare
    assert len(table) == 3 * 2 * 2 * 2
    tagged = table[table["label"] == "round"]
    assert tagged["base_rate"].unique() == pytest.approx([39 / 119], abs=1e-4)
    assert (tagged["queries"] == 30).all()
    assert (tagged.query("representation == 'full'")["precision"] > 0.98).all()
    noise = tagged.query("representation == 'noise'")
    assert (np.abs(noise["precision"] - noise["base_rate"]) < 4 * noise["error"]).all()
    assert (noise["error"] > 0).all()


def test_the_same_seed_gives_the_same_table_whatever_the_threads(survey):
    folder, _ = survey
    measure(folder)
    first = (folder / "retrieval.csv").read_bytes()
    measure(folder, threads=1)
    assert (folder / "retrieval.csv").read_bytes() == first
    measure(folder, seed=2)
    assert (folder / "retrieval.csv").read_bytes() != first


def test_galaxies_with_few_votes_do_not_count_for_an_answer(survey):
    folder, _ = survey
    catalogue = pd.read_parquet(folder / "catalogue.parquet")
    few = catalogue["iauname"] >= "J100"
    catalogue["shape_total-votes"] = np.where(few, 9, 10)
    write_parquet(catalogue, folder / "catalogue.parquet")
    table = measure(folder).query("label == 'shape_round'")
    assert table["base_rate"].unique() == pytest.approx([39 / 99], abs=1e-4)
    votes = read_vote_fractions(folder / "catalogue.parquet", NAMES, QUESTIONS, [], 10)
    assert list(votes) == ["shape_round_fraction", "shape_long_fraction"]
    assert votes["shape_round_fraction"].isna().sum() == 20


def test_more_columns_of_votes_can_be_named(survey):
    folder, _ = survey
    votes = read_vote_fractions(
        folder / "catalogue.parquet", NAMES, {}, ["shape_round_fraction"], 99
    )
    assert votes["shape_round_fraction"].notna().all()


def test_precision_is_the_mean_share_of_relevant_neighbours():
    relevant = np.array([True, True, False, False])
    found = np.array([[1, 2], [0, 3], [0, 1], [1, -1]])
    mean, error = precision(found, relevant)
    assert mean == pytest.approx((0.5 + 0.5 + 1 + 1) / 4)
    assert error == pytest.approx(np.std([0.5, 0.5, 1, 1], ddof=1) / 2)
    assert np.isnan(precision(found[:1], relevant)[1])


def compare(folder, **changes):
    given = {
        "questions": QUESTIONS, "answers": [], "min_votes": 10, "first": [10, 20], "draws": 999,
        "seed": 1,
    }  # fmt: skip
    compare_votes(
        folder / "neighbours.parquet", folder / "catalogue.parquet", folder / "shared.csv",
        **given | changes,
    )  # fmt: skip
    return pd.read_csv(folder / "shared.csv").set_index(["tag", "first"])


def test_neighbours_share_votes_beyond_chance_where_the_representation_knows(survey):
    folder, _ = survey
    find(folder)
    knows = compare(folder)
    find(folder, "noise.parquet")
    knows_not = compare(folder)
    for first in (10, 20):
        assert knows.loc[("round", first), "difference"] == pytest.approx(0, abs=1e-6)
        assert knows.loc[("round", first), "by_chance"] == pytest.approx(0.8 * 80 / 119, abs=1e-4)
        assert knows.loc[("round", first), "p"] == pytest.approx(1 / 1000)
        assert knows_not.loc[("round", first), "p"] > 0.01


def test_a_query_without_votes_is_compared_with_nothing(survey):
    folder, _ = survey
    find(folder)
    catalogue = pd.read_parquet(folder / "catalogue.parquet").set_index("iauname")
    catalogue.loc["J100", ["shape_round_fraction", "shape_long_fraction"]] = np.nan
    write_parquet(catalogue.reset_index(), folder / "catalogue.parquet")
    table = compare(folder)
    assert table.loc["rare", ["difference", "by_chance", "p"]].isna().all(axis=None)
    assert table.loc["round", "p"].notna().all()


def test_a_catalogue_without_votes_gives_a_table_without_numbers(survey):
    folder, _ = survey
    find(folder)
    table = compare(folder, questions={})
    assert table["p"].isna().all()
    assert len(table) == 4
