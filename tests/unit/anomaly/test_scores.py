"""Searches for anomalies, repeated: candidates, metrics, and what is written."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from workflow.lib.anomaly.candidates import select_candidates, standardise_features, threshold_of
from workflow.lib.anomaly.hunt import hunt_anomalies
from workflow.lib.anomaly.scores import (
    accuracies,
    average_precision,
    chance_precision,
    rank_weighted_scores,
    score_repeats,
)
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import read_table, write_parquet
from workflow.lib.planning.config import read_config
from workflow.lib.represent.vector_files import representation_schema, representation_table

SEARCHES = read_config([])["anomalies"]["searches"]
RANKINGS = st.lists(st.booleans(), min_size=1, max_size=40).map(np.array)
TASK = {
    "label": "ring",
    "above": 0.5,
    "share": None,
    "votes": "total-votes",
    "min_votes": 30,
    "filters": {"featured": 0.6},
}


# Metrics


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
def test_scores_lie_between_0_and_1_and_an_anomaly_further_up_scores_more(sought, data):
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


@pytest.mark.parametrize(("galaxies", "anomalies"), [(1, 1), (5, 1), (6, 3), (7, 7)])
def test_chance_is_the_mean_over_all_orders(galaxies, anomalies):
    orders = itertools.combinations(range(galaxies), anomalies)
    scores = [average_precision(np.isin(np.arange(galaxies), order)) for order in orders]
    assert chance_precision(galaxies, anomalies) == pytest.approx(np.mean(scores))


@given(
    labels=st.lists(st.integers(0, 50), min_size=2, max_size=60).filter(lambda x: len(set(x)) > 1),
    share=st.floats(0.001, 0.9),
)
def test_the_threshold_leaves_the_share_as_nearly_as_ties_allow(labels, share):
    labels = np.array(labels) / 50
    threshold = threshold_of(labels, share)
    found = (labels > threshold).mean()
    assert 0 < found < 1
    possible = [(labels > value).mean() for value in labels if (labels > value).any()]
    assert abs(found - share) == pytest.approx(min(abs(one - share) for one in possible))


# From a catalogue to scores


def write_vectors(path, names, vectors):
    vectors = vectors.astype(np.float32)
    table = representation_table(names, vectors, representation_schema(vectors.shape[1]))
    write_parquet(table, path)


@pytest.fixture
def sky(tmp_path):
    """A catalogue of 400 galaxies, of which 20 that stand out are rings; and their features."""
    draw = np.random.default_rng(1)
    names = [f"g{number:03d}" for number in range(400)]
    vectors = draw.standard_normal((400, 6))
    ring = np.where(np.arange(400) % 20 == 7, 0.9, 0.1)
    vectors[ring > 0.5] += 3
    catalogue = pd.DataFrame(
        {
            "iauname": names,
            "name": "NGC",
            "ring": ring,
            "total-votes": 40.0,
            "featured_fraction": 0.2,
            "featured_automated-fraction": 0.9,
        }
    )
    write_parquet(catalogue, tmp_path / "catalogue.parquet")
    write_vectors(tmp_path / "cnn.parquet", names, vectors)
    return tmp_path, catalogue, vectors


def select(folder, **changes):
    select_candidates(
        folder / "catalogue.parquet",
        [folder / "cnn.parquet"],
        folder / "candidates.parquet",
        folder / "candidates.json",
        **(TASK | changes),
    )
    return (
        read_table(folder / "candidates.parquet", text=["iauname"]),
        json.loads((folder / "candidates.json").read_text()),
    )


def hunt(folder, name="gaussian-process", repeats=(0, 1), ratings=30, known_first=True, **changes):
    standardise_features(folder / "cnn.parquet", folder / "candidates.parquet", folder / "cnn.npy")
    paths = [folder / f"{name}-{repeat}.parquet" for repeat in repeats]
    hunt_anomalies(
        folder / "candidates.parquet",
        folder / "cnn.npy",
        repeats,
        paths,
        search_by=name,
        settings=SEARCHES[name],
        known_first=known_first,
        ratings=ratings,
        seed=1,
        threads=1,
        **changes,
    )
    return paths


def test_candidates_have_votes_pass_the_filters_and_have_features(sky):
    folder, catalogue, vectors = sky
    catalogue.loc[0, "ring"] = np.nan
    catalogue.loc[1, "total-votes"] = 29
    catalogue.loc[2, "featured_automated-fraction"] = 0.6
    vectors[3, 2] = np.nan
    write_parquet(catalogue, folder / "catalogue.parquet")
    write_vectors(folder / "cnn.parquet", catalogue["iauname"].drop(4), np.delete(vectors, 4, 0))
    found, counts = select(folder)
    assert found["iauname"].tolist() == catalogue["iauname"].tolist()[5:]
    assert found["anomaly"].tolist() == (catalogue["ring"][5:] > 0.5).tolist()
    assert list(counts["left"].values()) == [400, 398, 397, 395]
    assert (counts["galaxies"], counts["anomalies"], counts["threshold"]) == (395, 20, 0.5)


def test_the_threshold_may_follow_from_the_share_of_anomalies(sky):
    folder, catalogue, _ = sky
    catalogue["ring"] = np.linspace(0, 1, 400)
    write_parquet(catalogue, folder / "catalogue.parquet")
    found, counts = select(folder, above=None, share=0.015)
    assert found["anomaly"].sum() == 6
    assert counts["threshold"] == pytest.approx(393 / 399)


def test_a_search_is_written_with_its_ratings_in_order_and_found_anomalies_first(sky):
    folder, _, _ = sky
    candidates, _ = select(folder)
    for path in hunt(folder):
        found = read_table(path, text=["iauname"])
        assert found.columns.tolist() == ["iauname", "interest", "rank", "rated", "rating"]
        assert found["iauname"].tolist() == candidates["iauname"].tolist()
        assert sorted(found["rank"]) == list(range(1, 401))
        rated = found[found["rated"].notna()]
        assert sorted(rated["rated"]) == list(range(1, 31))
        anomaly = candidates["anomaly"][rated.index]
        assert (rated["rating"] == np.where(anomaly, 4, 0)).all()  # 0.9 * 5, to the even number
        assert set(rated[anomaly]["rank"]) == set(range(1, anomaly.sum() + 1))
        others = found[found["rated"].isna()].sort_values("rank")
        assert (np.diff(others["interest"]) <= 0).all()


def test_the_baseline_is_ranked_by_its_score_alone(sky):
    folder, _, _ = sky
    select(folder)
    (path,) = hunt(folder, "isolation-forest", repeats=[3], known_first=False)
    found = read_table(path).sort_values("rank")
    assert (np.diff(found["interest"]) <= 0).all()
    assert found["rarity"].between(0, 5).all()


def test_a_repeat_depends_on_its_number_and_not_on_its_job(sky):
    folder, _, _ = sky
    select(folder)
    together = [path.read_bytes() for path in hunt(folder, repeats=[0, 1, 2])]
    assert hunt(folder, repeats=[1])[0].read_bytes() == together[1]
    assert len(set(together)) == 3


def test_scores_are_means_and_three_standard_deviations_over_the_repeats(sky):
    folder, _, _ = sky
    candidates, _ = select(folder)
    results = {"cnn-gp": hunt(folder, repeats=[0, 1, 2])}
    score_repeats(
        folder / "candidates.parquet", results, folder / "curves.csv", folder / "scores.csv",
        tops=[10, 50, 1000], longest=100, sigmas=3,
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
        3 * np.std(precision, ddof=1), abs=1e-5
    )
    assert scores.loc["accuracy_10", "mean"] == pytest.approx(
        np.mean([e[:10].mean() for e in each])
    )
    assert (scores["chance"].drop("average_precision") == 0.05).all()
    chance = chance_precision(400, 20)
    assert scores.loc["average_precision", "chance"] == pytest.approx(chance, abs=1e-5)
    assert (scores["anomalies"] == 20).all()
    curves = pd.read_csv(folder / "curves.csv")
    assert len(curves) == 3 * 100
    last = curves[(curves["repeat"] == 2) & (curves["first"] == 100)].iloc[0]
    assert last["accuracy"] == pytest.approx(each[2][:100].mean())
    assert last["rank_weighted_score"] == pytest.approx(rank_weighted_scores(each[2])[99], abs=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"above": 0.95}, "0 of 400 galaxies have ring > 0.95; there must be anomalies and others"),
        ({"above": 0.0}, "400 of 400 galaxies have ring > 0; there must be anomalies and others"),
        ({"label": "lens"}, "no column 'lens'"),
        ({"votes": "lens_total"}, "no column 'lens_total'"),
        ({"label": "total-votes"}, "'total-votes' has values from 40 to 40; a label must lie"),
        ({"label": "name"}, "column 'name' has text, not numbers"),
        ({"filters": {"barred": 0.5}}, "no column 'barred_automated-fraction'"),
        ({"min_votes": 41}, "no galaxy is left of {'catalogue': 400, 'total-votes >= 41': 0"),
    ],
)
def test_a_task_that_cannot_be_is_told_in_one_line(sky, change, message):
    with pytest.raises(UserError) as caught:
        select(sky[0], **change)
    assert message in str(caught.value)
    assert "catalogue.parquet: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_labels_that_are_all_the_same_have_no_threshold(sky):
    folder, catalogue, _ = sky
    write_parquet(catalogue.assign(ring=0.3), folder / "catalogue.parquet")
    with pytest.raises(UserError, match=r"0 of 400 galaxies have ring > 0\.3"):
        select(folder, above=None, share=0.015)


def test_features_that_are_all_the_same_are_told(sky):
    folder, catalogue, _ = sky
    select(folder)
    write_vectors(folder / "cnn.parquet", catalogue["iauname"], np.ones((400, 6)))
    with pytest.raises(UserError, match=r"cnn\.parquet: all 400 galaxies have the same features"):
        hunt(folder)


def test_fewer_galaxies_than_ratings_are_told(sky):
    folder, _, _ = sky
    select(folder)
    with pytest.raises(UserError, match=r"candidates\.parquet: 400 galaxies are fewer than"):
        hunt(folder, ratings=401)
