"""Batches of equal size."""

import numpy as np
import pytest

from workflow.lib.finetune.backend import run_batched


@pytest.mark.parametrize("count", [1, 7, 8, 9])
def test_results_of_batches_are_joined_without_the_fill(count):
    numbers = np.arange(count, dtype=np.float32)
    np.testing.assert_array_equal(run_batched(lambda values: values * 2, [numbers], 4), 2 * numbers)
