"""Features of one scale, and those that cannot have one."""

import numpy as np
import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.represent.standardise import standardise


def test_features_are_scaled_alike_and_constant_ones_become_0():
    vectors = np.random.default_rng(1).normal(50, 7, (300, 3)).astype(np.float32)
    vectors[:, 1] = 0.1
    scaled = standardise(vectors)
    assert scaled.dtype == np.float32
    assert np.allclose(scaled.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(scaled.std(axis=0), [1, 0, 1], atol=1e-5)


def test_features_that_are_not_finite_or_all_the_same_are_errors():
    vectors = np.random.default_rng(1).standard_normal((2000, 5)).astype(np.float32)
    vectors[5, 1] = np.nan
    with pytest.raises(UserError) as caught:
        standardise(vectors)
    assert str(caught.value) == "1 of 2000 galaxies have features that are not finite"
    with pytest.raises(UserError) as caught:
        standardise(np.ones((7, 3)))
    assert str(caught.value) == "all 7 galaxies have the same features"
