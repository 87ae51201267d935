"""The compiled loop against plain Keras: the same steps, the same losses, the same stop."""

import keras
import numpy as np
import pytest

from tests.unit.finetune.conftest import (
    BATCH,
    CROP,
    EPOCHS,
    HELD,
    IMAGES,
    LABELS,
    RNG,
    TRAIN,
    examples_of,
    loop_of,
    order,
    planned,
    views,
)
from workflow.lib.finetune.backend import on_device, run_batched
from workflow.lib.finetune.compiled_epochs import first_state, plan_epoch
from workflow.lib.network.views import apply_views

pytestmark = pytest.mark.thorough


class Plain(keras.Model):
    """The same network as one model, to be trained by Keras."""

    def __init__(self, lower, upper, head):
        super().__init__()
        self.lower, self.upper, self.head = lower, upper, head

    def call(self, images, training=False):
        features = self.lower(images, training=False)
        return self.head(self.upper(features, training=False), training=training)


def test_steps_and_losses_are_those_of_keras(network):
    _, lower, upper, head = network
    before = upper.get_weights(), head.get_weights()
    loop = loop_of(lower, upper, head)
    state, curve = loop.run(
        first_state(loop.model, 1), planned(range(1, 1 + EPOCHS)), on_device(IMAGES),
        examples_of(loop), 1e-3, 99,
    )  # fmt: skip
    assert len(curve) == EPOCHS

    upper.set_weights(before[0])
    head.set_weights(before[1])
    lower.trainable = False
    plain = Plain(lower, upper, head)
    plain.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    seen = np.asarray(apply_views(IMAGES[HELD], views(HELD, 0), CROP))
    for epoch in range(1, 1 + EPOCHS):
        rows, losses = TRAIN[order(epoch)], []
        pictures = np.asarray(apply_views(IMAGES[rows], views(rows, epoch), CROP))
        for first in range(0, len(rows), BATCH):
            batch = slice(first, first + BATCH)
            truth = LABELS[rows[batch], None].astype(np.float32)
            plain.reset_metrics()
            losses.append(float(plain.train_on_batch(pictures[batch], truth)))
        found = plain.evaluate(seen, LABELS[HELD, None].astype(np.float32), verbose=0)
        assert curve[epoch - 1] == pytest.approx([np.mean(losses), found], rel=2e-3)
    for ours, theirs in zip(state.weights, plain.trainable_variables, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=0.02, atol=3e-4)
    # It has learned, and only the weights above the cut.
    assert curve[-1, 0] < 0.9 * curve[0, 0]
    assert len(state.weights) == 5


def test_rows_that_fill_up_a_batch_do_not_count(network):
    _, lower, upper, head = network
    loop = loop_of(lower, upper, head)
    steps = planned([1])
    filler = np.full((1, 2, 3), 21)
    padded = type(steps)(
        np.concatenate([steps.rows, filler.astype(np.int32)], axis=2),
        np.concatenate([steps.labels, filler.astype(np.float32)], axis=2),
        np.concatenate([steps.counts, 0 * filler.astype(np.float32)], axis=2),
        tuple(np.concatenate([view, view[:, :, :3]], axis=2) for view in steps.views),
    )
    found = [
        loop.run(first_state(loop.model, 1), some, on_device(IMAGES), examples_of(loop), 1e-3, 99)[
            1
        ]
        for some in (steps, padded)
    ]
    # Some processors sum a larger batch in another order; rows that count would differ by more.
    np.testing.assert_allclose(*found, rtol=1e-4)


def test_training_stops_after_patience_and_keeps_the_best_epoch(network):
    _, lower, upper, head = network
    loop = loop_of(lower, upper, head)
    arguments = on_device(IMAGES), examples_of(loop)
    # The step is so large that the validation loss can only rise.
    state, curve = loop.run(first_state(loop.model, 1), planned(range(1, 9)), *arguments, 1.0, 2)
    best = int(np.argmin(curve[:, 1]))
    assert len(curve) == best + 1 + 2 < 8
    assert float(state.best_loss) == pytest.approx(curve[best, 1])
    weights = state.best_weights, state.best_others
    logits = run_batched(
        lambda *batch: loop.logits(weights, arguments[0], *batch),
        [HELD.astype(np.int32), *views(HELD, 0)],
        4,
    )
    losses = np.logaddexp(0, np.where(LABELS[HELD], -logits, logits).astype(np.float64))
    assert losses.mean() == pytest.approx(curve[best, 1], rel=1e-4)


@pytest.mark.parametrize(
    ("count", "batch_size", "shape"), [(3, 256, (1, 3)), (438, 256, (2, 219)), (10, 4, (3, 4))]
)
def test_steps_are_of_equal_size_and_have_each_row_once(count, batch_size, shape):
    rows = np.arange(count) + 100
    steps = plan_epoch(rows, rows % 2, [rows * 2], batch_size, RNG.permutation(count))
    assert steps.rows.shape == shape
    assert sorted(steps.rows[steps.counts == 1]) == rows.tolist()
    np.testing.assert_array_equal(steps.labels, steps.rows % 2)
    np.testing.assert_array_equal(steps.views[0], steps.rows * 2)
