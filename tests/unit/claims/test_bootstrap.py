"""How sure an ordering is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.lib.claims.bootstrap import Pair, Sample, sureness

REPEATS = st.lists(st.integers(-50, 50), min_size=2, max_size=8).map(lambda n: np.array(n, float))


def sure(first, other, every=True, seed=(1, 2)):
    return sureness([Pair(Sample(first), Sample(other))], every, 500, seed)


@given(REPEATS, REPEATS)
def test_it_is_a_share_that_depends_on_the_seed_and_the_repeats_only(first, other):
    found = sure(first, other)
    assert 0 <= found <= 1
    assert sure(first, other) == found
    # A change of both by the same amount changes nothing; whole numbers, so that none is rounded.
    assert sure(first + 7, other + 7) == found


@given(REPEATS, REPEATS)
def test_it_is_certain_where_the_repeats_do_not_overlap(first, other):
    above = first - first.min() + other.max() + 1
    assert sure(above, other) == 1
    assert sure(other, above) == 0


@given(REPEATS)
def test_equal_constants_are_not_more(repeats):
    same = np.full_like(repeats, 3.0)
    assert sure(same, same) == 0


@given(REPEATS, REPEATS, REPEATS, REPEATS)
def test_every_pair_is_asked_more_of_than_their_mean_when_one_fails(a, b, c, d):
    pairs = [Pair(Sample(a), Sample(b)), Pair(Sample(c), Sample(d))]
    both = sureness(pairs, True, 500, (1, 2))
    assert both <= sureness(pairs, False, 500, (1, 2))
    assert both <= sureness(pairs[:1], True, 500, (1, 2))  # it has the same draws


def test_it_is_the_probability_of_the_ordering_of_resampled_means():
    """Of two repeats 0 and 3, the means 0, 1.5 and 3 have probabilities 1/4, 1/2 and 1/4."""
    pair = Pair(Sample(np.array([0.0, 3.0])), 1.0)
    assert sureness([pair], True, 20_000, (3,)) == pytest.approx(3 / 4, abs=0.02)
    gain = Pair(Sample(np.array([0.0, 3.0]), np.array([1.0, 1.0])), 0.0)
    assert sureness([gain], True, 20_000, (3,)) == pytest.approx(3 / 4, abs=0.02)
    assert gain.means == (0.5, 0.0)


def test_of_one_repeat_nothing_is_said():
    assert math.isnan(sure(np.array([1.0]), np.array([0.0, 0.1])))
    one = Pair(Sample(np.array([1.0, 1.0]), np.array([0.0])), 0.5)
    assert math.isnan(sureness([one], True, 100, (1,)))
