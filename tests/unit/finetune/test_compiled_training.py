"""Training by the compiled loop: resumed from a saved state it gives the same numbers."""

import numpy as np
import pytest

from tests.unit.finetune.conftest import IMAGES, examples_of, loop_of, planned
from workflow.lib.finetune.backend import on_device
from workflow.lib.finetune.classifier import build_classifier_head
from workflow.lib.finetune.compiled_epochs import first_state
from workflow.lib.finetune.compiled_training import load_state, save_state

pytestmark = pytest.mark.thorough


def test_epochs_of_one_call_and_of_several_with_a_saved_state_between_are_the_same(
    network, tmp_path
):
    _, lower, upper, _ = network
    loop = loop_of(lower, upper, build_classifier_head(1280, [8], 0.5, seed=1))
    arguments = on_device(IMAGES), examples_of(loop), 1e-3, 99
    whole, curve = loop.run(first_state(loop.model, 1), planned(range(1, 4)), *arguments)
    state, first = loop.run(first_state(loop.model, 1), planned(range(1, 3)), *arguments)
    save_state(state, first, 1.5, tmp_path / "state.npz")
    state, kept, seconds = load_state(tmp_path / "state.npz")
    assert seconds == 1.5
    state, second = loop.run(state, planned([3]), *arguments)
    np.testing.assert_array_equal(np.concatenate([kept, second]), curve)
    for one, other in zip(whole.best_weights, state.best_weights, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
