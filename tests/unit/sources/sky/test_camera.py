"""The instrument's parameters, and the correlation of its noise."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.instruments import DECALS
from workflow.lib.sources.sky import camera


def test_lists_and_integers_give_the_same_instrument():
    assert repr(replace(DECALS, noise=[1, 2, 3])) == repr(replace(DECALS, noise=(1.0, 2.0, 3.0)))


@given(correlation=st.floats(0, 0.5))
def test_smoothing_weights_give_unit_variance_and_the_correlation(correlation):
    centre, side = camera._smoothing(correlation)
    assert centre**2 + 2 * side**2 == pytest.approx(1)
    assert 2 * centre * side == pytest.approx(correlation, abs=1e-9)
