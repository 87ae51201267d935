"""The loss: compared with SciPy, its gradients, and zero where no volunteer was asked."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import dirichlet_multinomial

from tests.unit.pretrain.test_votes import QUESTIONS
from workflow.lib.pretrain.loss import vote_loss, vote_losses
from workflow.lib.pretrain.votes import answer_columns, question_slices

OLDER = {"merging": ["merger", "tidal-debris-v1", "both-v1", "neither-v1", "major-disturbance",
                     "minor-disturbance", "none"]}  # fmt: skip
"""Answers of an older version of the question on mergers."""


def by_scipy(counts, concentrations, places):
    votes = counts.astype(int)
    return np.stack(
        [
            -dirichlet_multinomial.logpmf(
                votes[:, place], concentrations[:, place].astype(float), votes[:, place].sum(axis=1)
            )
            for place in places
        ],
        axis=1,
    )


def ours(counts, concentrations, places):
    return np.asarray(vote_losses(counts, concentrations, places))


@pytest.mark.parametrize("questions", [QUESTIONS, OLDER], ids=["now", "older merging"])
@pytest.mark.parametrize(("low", "high"), [(1, 101), (0.05, 101), (1, 2), (60, 101)])
def test_it_agrees_with_scipy_on_real_votes(shared_data, questions, low, high):
    table = pd.read_csv(shared_data / "tables/gz_decals_full_tree_votes_1618.csv.gz")
    counts = table[answer_columns(questions)].to_numpy(np.float32)
    places = list(question_slices(questions).values())
    asked = np.stack([counts[:, place].any(axis=1) for place in places], axis=1)
    assert asked.mean() > 0
    concentrations = np.random.default_rng(0).uniform(low, high, counts.shape).astype(np.float32)
    found = ours(counts, concentrations, places)
    np.testing.assert_allclose(found, by_scipy(counts, concentrations, places), rtol=1e-5, atol=0)
    assert (found[~asked] == 0).all()


votes = hnp.arrays(np.int64, (5, 4), elements=st.integers(0, 300)).map(np.float32)
strengths = hnp.arrays(np.float32, (5, 4), elements=st.floats(0.03125, 1000, width=32))


@given(counts=votes, concentrations=strengths)
def test_it_agrees_with_scipy_on_any_votes(counts, concentrations):
    places = [slice(0, 4)]
    found = ours(counts, concentrations, places)
    expected = by_scipy(counts, concentrations, places)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@given(counts=votes, concentrations=strengths)
def test_a_question_without_votes_adds_nothing(counts, concentrations):
    alone = ours(counts[:, :2], concentrations[:, :2], [slice(0, 2)])
    unasked = counts * np.float32([1, 1, 0, 0])
    both = ours(unasked, concentrations, [slice(0, 2), slice(2, 4)])
    np.testing.assert_array_equal(both[:, 0], alone[:, 0])
    assert (both[:, 1] == 0).all()


def gradient(counts, concentrations, places):
    import tensorflow as tf

    values = tf.constant(concentrations)
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(vote_loss(places)(tf.constant(counts), values))
    return np.asarray(tape.gradient(total, values))


@given(
    counts=votes,
    concentrations=hnp.arrays(np.float32, (5, 4), elements=st.floats(1, 101, width=32)),
)
def test_its_gradients_agree_with_finite_differences(counts, concentrations):
    places = [slice(0, 3), slice(3, 4)]
    slopes = gradient(counts, concentrations, places)
    step = 1e-4
    for answer in range(4):
        shift = step * (np.arange(4) == answer)
        above, below = (
            by_scipy(counts, concentrations.astype(float) + sign * shift, places).sum(axis=1)
            for sign in (1, -1)
        )
        expected = (above - below) / (2 * step)
        np.testing.assert_allclose(slopes[:, answer], expected, rtol=1e-3, atol=1e-5)


def test_without_votes_the_gradient_is_zero_and_not_nan():
    slopes = gradient(np.zeros((3, 4), np.float32), np.ones((3, 4), np.float32), [slice(0, 4)])
    assert (slopes == 0).all()


def test_the_loss_of_a_galaxy_is_the_sum_over_the_questions():
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 40, (6, 5)).astype(np.float32)
    concentrations = rng.uniform(1, 101, (6, 5)).astype(np.float32)
    places = [slice(0, 3), slice(3, 5)]
    total = np.asarray(vote_loss(iter(places))(counts, concentrations))
    np.testing.assert_allclose(total, by_scipy(counts, concentrations, places).sum(axis=1), 1e-5)
