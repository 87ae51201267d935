"""Scores: the metrics of a ranking, and their means and errors over repeats."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from tests.unit.anomaly.conftest import hunt, select
from workflow.lib.anomaly.chance import chance_by_rank, chance_precision
from workflow.lib.anomaly.scores import (
    accuracies,
    average_precision,
    rank_weighted_scores,
    score_repeats,
)
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import read_table, write_parquet

RANKINGS = st.lists(st.booleans(), min_size=1, max_size=40).map(np.array)


def test_metrics_of_a_ranking_by_hand():
    sought = np.array([True, False, True, False])
    # N=1: 1/1. N=2: 2/3. N=3: (3 + 1)/6. N=4: (4 + 2)/10.
    assert np.allclose(rank_weighted_scores(sought), [1, 2 / 3, 4 / 6, 6 / 10])
    assert np.allclose(accuracies(sought), [1, 1 / 2, 2 / 3, 1 / 2])
    assert average_precision(sought) == pytest.approx((1 + 2 / 3) / 2)


@given(RANKINGS)
def test_the_score_is_the_sum_of_its_definition(sought):
    for first in range(1, len(sought) + 1):
        weights = first + 1 - np.arange(1, first + 1)
        score = (weights * sought[:first]).sum() / (first * (first + 1) / 2)
        assert rank_weighted_scores(sought)[first - 1] == pytest.approx(score)


@given(anomalies=st.integers(1, 20), others=st.integers(0, 20))
def test_a_perfect_ranking_scores_1_and_a_reversed_one_0(anomalies, others):
    perfect = np.array([True] * anomalies + [False] * others)
    assert np.allclose(rank_weighted_scores(perfect)[:anomalies], 1)
    assert np.allclose(accuracies(perfect)[:anomalies], 1)
    assert average_precision(perfect) == 1
    reversed_ = perfect[::-1]
    assert np.allclose(rank_weighted_scores(reversed_)[:others], 0)
    assert np.allclose(accuracies(reversed_)[:others], 0)


@given(RANKINGS, st.data())
def test_scores_are_between_0_and_1_and_higher_if_an_anomaly_is_further_up(sought, data):
    assert ((rank_weighted_scores(sought) >= 0) & (rank_weighted_scores(sought) <= 1)).all()
    place = data.draw(st.integers(0, len(sought) - 1))
    if place and sought[place] and not sought[place - 1]:
        better = sought.copy()
        better[[place - 1, place]] = True, False
        assert (rank_weighted_scores(better) >= rank_weighted_scores(sought)).all()
        assert average_precision(better) > average_precision(sought)


@given(RANKINGS.filter(lambda sought: sought.any()))
def test_average_precision_is_that_of_scikit_learn(sought):
    score = -np.arange(len(sought))
    assert average_precision(sought) == pytest.approx(average_precision_score(sought, score))


def test_scores_are_means_and_three_standard_deviations_over_the_repeats(sky):
    folder, _, _ = sky
    candidates, _ = select(folder)
    results = {"cnn-gp": hunt(folder, repeats=[0, 1, 2])}
    score_repeats(
        folder / "candidates.parquet", results, folder / "curves.csv", folder / "scores.csv",
        folder / "repeats.csv", known={"cnn-gp": 30}, tops=[10, 50, 1000], longest=100, sigmas=3,
    )  # fmt: skip
    each = []
    for path in results["cnn-gp"]:
        order = read_table(path)["rank"].to_numpy().argsort()
        each.append(candidates["anomaly"].to_numpy()[order])
    scores = pd.read_csv(folder / "scores.csv").set_index("metric")
    assert scores.index.tolist() == [
        "average_precision",
        *[f"{name}_{top}" for top in (10, 50) for name in ("accuracy", "rank_weighted_score")],
    ]
    precision = [average_precision(one) for one in each]
    assert scores.loc["average_precision", "mean"] == pytest.approx(np.mean(precision), abs=1e-5)
    assert scores.loc["average_precision", "error"] == pytest.approx(
        3 * np.std(precision), abs=1e-5
    )
    assert scores.loc["accuracy_10", "mean"] == pytest.approx(
        np.mean([e[:10].mean() for e in each])
    )
    values = pd.read_csv(folder / "repeats.csv").query("metric == 'average_precision'")["value"]
    assert values.tolist() == pytest.approx(precision, abs=1e-5)
    chance = chance_by_rank(400, 20, 30, 400)
    expected = {
        "average_precision": chance_precision(400, 20, 30),
        "accuracy_10": accuracies(chance)[9],
        "rank_weighted_score_10": rank_weighted_scores(chance)[9],
        "accuracy_50": accuracies(chance)[49],
        "rank_weighted_score_50": rank_weighted_scores(chance)[49],
    }
    assert scores["chance"].to_dict() == pytest.approx(expected, abs=1e-5)
    assert (scores["anomalies"] == 20).all()
    curves = pd.read_csv(folder / "curves.csv")
    assert len(curves) == 3 * 100
    last = curves[(curves["repeat"] == 2) & (curves["first"] == 100)].iloc[0]
    assert last["accuracy"] == pytest.approx(each[2][:100].mean())
    assert last["rank_weighted_score"] == pytest.approx(rank_weighted_scores(each[2])[99], abs=1e-5)
    assert last["accuracy_chance"] == pytest.approx(accuracies(chance)[99], abs=1e-5)
    assert last["rank_weighted_score_chance"] == pytest.approx(
        rank_weighted_scores(chance)[99], abs=1e-5
    )


def test_chance_is_a_random_order_for_a_method_that_does_not_rank_by_ratings(sky):
    folder, _, _ = sky
    select(folder)
    results = {"baseline": hunt(folder, "isolation-forest", repeats=[0], known_first=False)}
    score_repeats(
        folder / "candidates.parquet", results, folder / "curves.csv", folder / "scores.csv",
        folder / "repeats.csv", known={"baseline": 0}, tops=[10, 50], longest=100, sigmas=3,
    )  # fmt: skip
    scores = pd.read_csv(folder / "scores.csv").set_index("metric")
    assert (scores["chance"].drop("average_precision") == 0.05).all()
    chance = chance_precision(400, 20)
    assert scores.loc["average_precision", "chance"] == pytest.approx(chance, abs=1e-5)
    assert scores["error"].isna().all()  # of a single repeat
    curves = pd.read_csv(folder / "curves.csv")
    assert (curves[["accuracy_chance", "rank_weighted_score_chance"]] == 0.05).all(axis=None)


@pytest.mark.parametrize("other", ["fewer", "another order"])
def test_repeats_of_other_candidates_are_not_scored(sky, other):
    folder, catalogue, _ = sky
    select(folder)
    results = {"cnn-gp": hunt(folder, repeats=[0])}
    rows = catalogue.iloc[1:] if other == "fewer" else catalogue.iloc[::-1]
    write_parquet(rows, folder / "catalogue.parquet")
    select(folder)
    with pytest.raises(UserError, match=r"gaussian-process-0\.parquet: made from other galaxies"):
        score_repeats(
            folder / "candidates.parquet", results, folder / "curves.csv", folder / "scores.csv",
            folder / "repeats.csv", known={"cnn-gp": 30}, tops=[10], longest=100, sigmas=3,
        )  # fmt: skip
