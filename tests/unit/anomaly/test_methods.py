"""Search methods: which galaxies are rated, and how the ratings change the ranking."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.lib.anomaly.active_learning import LabelRater
from workflow.lib.anomaly.methods import SEARCHES, modulate, rarity_of, search
from workflow.lib.common.errors import UserError
from workflow.lib.planning.config import read_config

SETTINGS = read_config([])["anomalies"]["searches"]


@pytest.fixture(scope="module")
def sky():
    """Galaxies with 4 features; a few that lie far out on one side are interesting."""
    vectors = np.random.default_rng(1).standard_normal((1500, 4)).astype(np.float32)
    vectors[:30] = 0.3 * vectors[:30] + np.float32([4, 0, 0, 0])
    labels = np.zeros(1500)
    labels[:30] = 0.95
    order = np.random.default_rng(2).permutation(1500)
    return vectors[order], labels[order]


class Counting:
    """A rater that records which galaxies it was asked about."""

    def __init__(self, labels):
        self.inner, self.asked = LabelRater(labels), []

    def rate(self, rows):
        self.asked.append(rows)
        return self.inner.rate(rows)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("ratings", [7, 45])
def test_the_number_of_galaxies_asked_for_is_rated_and_none_twice(sky, name, ratings):
    rater = Counting(sky[1])
    found = search(name, sky[0], rater, ratings, seed=1, **SETTINGS[name])
    asked = np.concatenate(rater.asked)
    assert asked.tolist() == found.rows.tolist()
    assert len(set(asked)) == ratings
    assert found.ratings.tolist() == LabelRater(sky[1]).rate(asked).tolist()
    assert found.interest.shape == (1500,)
    if name == "gaussian-process":
        assert {len(rows) for rows in rater.asked[:-1]} <= {10}


@pytest.mark.parametrize(("name", "share"), [("gaussian-process", 0.9), ("isolation-forest", 0.3)])
def test_the_interesting_galaxies_are_ranked_first(sky, name, share):
    found = search(name, sky[0], LabelRater(sky[1]), 60, seed=1, **SETTINGS[name])
    first = np.argsort(-found.interest)[:30]
    assert (sky[1][first] > 0.5).mean() > share  # 0.02 by chance


@pytest.mark.parametrize("name", SEARCHES)
def test_equal_seeds_give_equal_searches_and_others_do_not(sky, name):
    def run(seed):
        return search(name, sky[0], LabelRater(sky[1]), 30, seed=seed, threads=1, **SETTINGS[name])

    one, same, other = run(1), run(1), run(2)
    assert one.interest.tobytes() == same.interest.tobytes()
    assert one.rows.tobytes() == same.rows.tobytes()
    assert one.rows.tolist() != other.rows.tolist()


def test_the_baseline_rates_the_rarest(sky):
    name = "isolation-forest"
    found = search(name, sky[0], LabelRater(sky[1]), 40, seed=1, **SETTINGS[name])
    assert found.rarity.min() == 0
    assert found.rarity.max() == 5
    assert set(found.rows) == set(np.argsort(-found.rarity)[:40])


def test_a_search_may_rate_the_rarest_first_and_then_what_it_learns(sky):
    vectors, labels = sky
    settings = SETTINGS["gaussian-process"] | {"first": "isolation-forest"}
    found = search("gaussian-process", vectors, LabelRater(labels), 30, seed=1, **settings)
    rarity = rarity_of(vectors, seed=1)
    assert set(found.rows[:10]) == set(np.argsort(-rarity)[:10])
    assert set(found.rows) != set(np.argsort(-rarity)[:30])


@pytest.mark.parametrize("name", SEARCHES)
def test_fewer_galaxies_than_ratings_are_an_error(sky, name):
    with pytest.raises(UserError, match=r"1500 galaxies are fewer .* 'anomalies.ratings' \(1501\)"):
        search(name, sky[0], LabelRater(sky[1]), 1501, seed=1, **SETTINGS[name])


def test_rarity_is_modulated_by_the_formula_of_the_baseline():
    rarity, liked = np.array([4.0, 4.0, 4.0, 2.0]), np.array([0.0, 5.0, 2.5, 0.0])
    away = np.array([0.0, 0.0, 1.0, 3.0])
    expected = [
        4 * (0.1 + 0.85 * 0.1 / 5),
        4 * 0.95,
        4 * np.tanh(np.exp(1.0) - 1 + np.arctanh(0.1 + 0.85 * 0.5)),
        2 * np.tanh(np.exp(3.0) - 1 + np.arctanh(0.1 + 0.85 * 0.1 / 5)),
    ]
    assert np.allclose(modulate(rarity, liked, away, alpha=1, floor=0.1, slope=0.85), expected)


@given(
    rarity=st.floats(0, 5), liked=st.floats(0, 5), away=st.floats(0, 1e6), alpha=st.floats(0, 10)
)
def test_ratings_only_lower_the_rarity(rarity, liked, away, alpha):
    pair = np.array([rarity, rarity])
    score = modulate(pair, np.array([liked, 0]), np.array([away, 0]), alpha, 0.1, 0.85)
    assert (score <= rarity).all()
    assert score[0] >= score[1] >= 0
