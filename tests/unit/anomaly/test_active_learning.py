"""Active learning: which galaxies are rated next, and how all are ranked at the end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from workflow.lib.anomaly.active_learning import (
    ACQUISITIONS,
    GaussianProcessSettings,
    LabelRater,
    expected_improvement,
    final_ranking,
    first_batch,
    next_step,
)
from workflow.lib.common.errors import UserError

SETTINGS = GaussianProcessSettings(10, "rational-quadratic", "expected-improvement", 0.5, 1)


@pytest.fixture(scope="module")
def sky():
    """Galaxies with 5 features; those in one corner are interesting."""
    vectors = np.random.default_rng(1).standard_normal((2000, 5)).astype(np.float32)
    return vectors, np.exp(-np.square(vectors - 1.2).sum(axis=1) / 3)


@given(
    mean=st.floats(-1, 8),
    deviation=st.floats(0.1, 3),
    best=st.integers(0, 5),
    epsilon=st.floats(0, 1),
)
def test_expected_improvement_is_the_integral_over_the_gain(mean, deviation, best, epsilon):
    floor = best + epsilon
    expected, _ = quad(
        lambda value: (value - floor) * norm.pdf(value, mean, deviation),
        floor,
        max(floor, mean) + 12 * deviation,
        points=[mean] if mean > floor else None,
    )
    found = expected_improvement(np.array([mean]), np.array([deviation]), best, epsilon)[0]
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_expected_improvement_ranks_galaxies_even_if_a_gain_is_unlikely():
    mean = np.linspace(0, 1, 50, dtype=np.float32)
    gains = expected_improvement(mean, np.full(50, 0.3, np.float32), 5, 0.5)
    assert (np.diff(gains) > 0).all()


def test_the_first_batch_is_drawn_by_its_seed_from_all_galaxies():
    drawn = [first_batch(100, 10, seed) for seed in range(300)]
    assert all(len(set(batch)) == 10 for batch in drawn)
    assert np.array_equal(drawn[7], first_batch(100, 10, 7))
    assert set(np.concatenate(drawn)) == set(range(100))


def test_learning_finds_the_interesting_corner(sky):
    vectors, labels = sky
    rater = LabelRater(labels)
    rows = first_batch(len(vectors), 10, 3)
    ratings = rater.rate(rows)
    for _ in range(7):
        step = next_step(vectors, rows, ratings, SETTINGS, 3)
        assert len(step.batch) == 10
        assert not set(step.batch) & set(rows)
        rows = np.concatenate([rows, step.batch])
        ratings = np.concatenate([ratings, rater.rate(step.batch)])
    step = next_step(vectors, rows, ratings, SETTINGS, 3)
    assert step.interest.shape == (2000,)
    assert step.interest.dtype == np.float32
    assert np.corrcoef(step.interest, labels)[0, 1] > 0.9
    best = final_ranking(step.interest, rows, ratings)[:20]
    assert np.median(labels[best]) > np.quantile(labels, 0.98)


@pytest.mark.parametrize("acquisition", ACQUISITIONS)
def test_every_acquisition_chooses_by_its_value_best_first(sky, acquisition):
    vectors, labels = sky
    rows = first_batch(len(vectors), 30, 1)
    settings = GaussianProcessSettings(5, "rational-quadratic", acquisition, 0.5, 0)
    step = next_step(vectors, rows, LabelRater(labels).rate(rows), settings, 1)
    if acquisition == "highest-interest":
        left = np.setdiff1d(np.arange(len(vectors)), rows)
        assert list(step.batch) == list(left[np.argsort(-step.interest[left], kind="stable")][:5])
    assert len(set(step.batch) - set(rows)) == 5


def test_ratings_may_all_be_the_same(sky):
    vectors, _ = sky
    rows = first_batch(len(vectors), 10, 1)
    for rating in (0, 5):
        step = next_step(vectors, rows, np.full(10, rating), SETTINGS, 1)
        assert np.isfinite(step.interest).all()
        assert len(step.batch) == 10


def test_the_last_batch_has_the_remaining_galaxies(sky):
    vectors, labels = sky[0][:13], sky[1][:13]
    rows = np.arange(10)
    step = next_step(vectors, rows, LabelRater(labels).rate(rows), SETTINGS, 1)
    assert set(step.batch) == {10, 11, 12}
    rows = np.arange(13)
    assert len(next_step(vectors, rows, LabelRater(labels).rate(rows), SETTINGS, 1).batch) == 0


def test_the_same_seed_gives_the_same_step(sky):
    vectors, labels = sky
    rows = first_batch(len(vectors), 40, 1)
    steps = [next_step(vectors, rows, LabelRater(labels).rate(rows), SETTINGS, 1) for _ in "ab"]
    assert steps[0].interest.tobytes() == steps[1].interest.tobytes()
    assert steps[0].batch.tobytes() == steps[1].batch.tobytes()


def test_labels_become_whole_ratings():
    rater = LabelRater(np.array([0, 0.09, 0.11, 0.42, 0.69, 0.71, 0.91, 1]))
    assert rater.rate(np.arange(8)).tolist() == [0, 0, 1, 2, 3, 4, 5, 5]


@given(st.data())
def test_rated_galaxies_are_ranked_by_what_is_known_about_them(data):
    count = data.draw(st.integers(1, 30))
    interest = np.array(data.draw(st.lists(st.floats(-1, 6), min_size=count, max_size=count)))
    rated = data.draw(st.lists(st.integers(0, count - 1), unique=True))
    sought = np.array([data.draw(st.booleans()) for _ in rated], bool)
    rows = np.array(rated, int)
    ranking = final_ranking(interest, rows, np.where(sought, np.inf, 0))
    assert sorted(ranking) == list(range(count))
    assert set(ranking[: sought.sum()]) == set(rows[sought])
    others = [row for row in ranking if row not in rated]
    assert (np.diff(interest[others]) <= 0).all()


def spoilt(vectors):
    vectors = vectors.copy()
    vectors[5, 1] = np.nan
    return vectors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: first_batch(9, 10, 1), "9 galaxies are too few to rate a batch of 10"),
        (
            lambda v: next_step(v, np.empty(0, int), np.empty(0), SETTINGS, 1),
            "no galaxy has been rated yet",
        ),
        (
            lambda v: next_step(spoilt(v), np.arange(9) + 10, np.arange(9), SETTINGS, 1),
            "1 of 2000 galaxies have features that are not finite",
        ),
        (
            lambda v: next_step(spoilt(v), np.arange(9), np.arange(9), SETTINGS, 1),
            "a rated galaxy has features or a rating that are not finite",
        ),
    ],
)
def test_input_that_cannot_be_learned_from_is_an_error_in_one_line(sky, call, message):
    with pytest.raises(UserError) as caught:
        call(sky[0])
    assert str(caught.value) == message
