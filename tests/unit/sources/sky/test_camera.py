"""The instrument's parameters, and the correlation of its noise."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from tests.instruments import DECALS
from workflow.lib.sources.sky import camera


def test_lists_and_integers_give_the_same_instrument():
    assert repr(replace(DECALS, noise=[1, 2, 3])) == repr(replace(DECALS, noise=(1.0, 2.0, 3.0)))


@given(correlation=st.floats(0, 0.5))
def test_smoothing_weights_give_unit_variance_and_the_correlation(correlation):
    centre, side = camera._smoothing(correlation)
    assert centre**2 + 2 * side**2 == pytest.approx(1)
    assert 2 * centre * side == pytest.approx(correlation, abs=1e-9)


@pytest.mark.parametrize("shape", [(3, 500, 500), (3, 7, 7), (3, 1, 1)])
def test_the_numbers_behind_the_noise_are_normal_and_independent(shape):
    numbers = camera._normal(shape, np.random.default_rng(1))
    assert numbers.shape == shape
    assert numbers.dtype == np.float32
    assert np.isfinite(numbers).all()
    if numbers.size > 1000:
        assert kstest(numbers.ravel(), "norm").pvalue > 0.01
        assert abs(np.corrcoef(numbers.ravel()[1:], numbers.ravel()[:-1])[0, 1]) < 0.005
        halves = np.array_split(numbers.ravel(), 2)
        assert abs(np.corrcoef(*halves)[0, 1]) < 0.01
        assert abs(np.corrcoef(*np.square(halves))[0, 1]) < 0.01
