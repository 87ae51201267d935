"""Retrieval: precision against the base rate, and votes shared beyond chance."""

import numpy as np
import pandas as pd
import pytest

from tests.unit.similarity.conftest import find
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import write_parquet
from workflow.lib.represent.vector_files import (
    read_common,
    read_representation,
    representation_schema,
    representation_table,
)
from workflow.lib.similarity.nearest import METRICS
from workflow.lib.similarity.neighbours import open_representations
from workflow.lib.similarity.retrieval import (
    compare_votes,
    measure_retrieval,
    precision,
)

QUESTIONS = {"shape": ["round", "long"], "never-asked": ["yes"]}


def measure(folder, **changes):
    given = {
        "questions": QUESTIONS, "answers": [], "most_common": 18, "first": [5, 10], "above": 0.5,
        "min_votes": 10, "queries": 30, "same_within": 100, "seed": 1, "threads": 2,
    }  # fmt: skip
    opened = open_representations({"noise": folder / "noise.parquet"}, folder / "full.npy")
    measure_retrieval(
        *opened, folder / "catalogue.parquet", folder / "tags.parquet", folder / "retrieval.csv",
        metrics=METRICS, **given | changes,
    )  # fmt: skip
    return pd.read_csv(folder / "retrieval.csv")


def test_precision_is_high_for_a_good_representation_and_the_base_rate_for_noise(survey):
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


def test_encoders_are_compared_by_the_galaxies_that_all_represent(survey):
    folder, vectors = survey
    some = slice(119, 9, -1)
    names = read_representation(folder / "full.parquet")[0][some]
    table = representation_table(names, vectors[some], representation_schema(12))
    write_parquet(table, folder / "table.parquet")
    files = {name: folder / f"{name}.parquet" for name in ("noise", "full", "table")}
    measure_retrieval(
        *read_common(files), folder / "catalogue.parquet", folder / "tags.parquet",
        folder / "compared.csv", metrics=["euclidean"], questions=QUESTIONS, answers=[],
        most_common=18, first=[5], above=0.5, min_votes=10, queries=30, same_within=100, seed=1,
        threads=2,
    )  # fmt: skip
    found = pd.read_csv(folder / "compared.csv")
    assert set(found["label"]) == {"round", "shape_round", "shape_long"}
    assert len(found) == 3 * 3
    assert len(found[["label", "queries", "base_rate"]].drop_duplicates()) == 3
    scores = found.pivot_table(index="label", columns="representation", values="precision")
    assert (scores["table"] == scores["full"]).all()
    assert (scores["full"] > scores["noise"] + 0.2).all()


def test_the_same_seed_gives_the_same_table_with_any_number_of_threads(survey):
    folder, _ = survey
    measure(folder)
    first = (folder / "retrieval.csv").read_bytes()
    measure(folder, threads=1)
    assert (folder / "retrieval.csv").read_bytes() == first
    measure(folder, seed=2)
    assert (folder / "retrieval.csv").read_bytes() != first


def test_galaxies_with_few_votes_are_left_out_for_an_answer(survey):
    folder, _ = survey
    catalogue = pd.read_parquet(folder / "catalogue.parquet")
    few = catalogue["iauname"] >= "J100"
    catalogue["shape_total-votes"] = np.where(few, 9, 10)
    write_parquet(catalogue, folder / "catalogue.parquet")
    table = measure(folder).query("label == 'shape_round'")
    assert table["base_rate"].unique() == pytest.approx([39 / 99], abs=1e-4)


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


def test_neighbours_share_votes_beyond_chance_in_a_good_representation_only(survey):
    folder, _ = survey
    find(folder)
    by_kind = compare(folder)
    find(folder, "noise.parquet")
    by_noise = compare(folder)
    for first in (10, 20):
        assert by_kind.loc[("round", first), "difference"] == pytest.approx(0, abs=1e-6)
        assert by_kind.loc[("round", first), "by_chance"] == pytest.approx(0.8 * 80 / 119, abs=1e-4)
        assert by_kind.loc[("round", first), "p"] == pytest.approx(1 / 1000)
        assert by_noise.loc[("round", first), "p"] > 0.01


def test_a_query_without_votes_has_no_numbers(survey):
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


def test_representations_of_different_galaxies_are_refused(survey):
    folder, _ = survey
    np.save(folder / "full.npy", np.load(folder / "full.npy")[1:])
    with pytest.raises(UserError, match=r"full\.npy: made from other galaxies"):
        measure(folder)
    names, vectors = read_representation(folder / "noise.parquet")
    turned = representation_table(names[::-1], vectors, representation_schema(3))
    write_parquet(turned, folder / "reversed.parquet")
    with pytest.raises(UserError, match=r"reversed\.parquet: made from other galaxies"):
        open_representations(
            {name: folder / f"{name}.parquet" for name in ("full", "reversed")}, folder / "full.npy"
        )


def test_a_neighbour_that_is_not_in_the_catalogue_is_refused(survey):
    folder, _ = survey
    find(folder)
    catalogue = pd.read_parquet(folder / "catalogue.parquet")
    write_parquet(catalogue[catalogue["iauname"] != "J007"], folder / "catalogue.parquet")
    with pytest.raises(UserError, match=r"catalogue\.parquet: no galaxy J007"):
        compare(folder)
