"""Fused training against plain Keras: the same steps, the same losses, the same stop."""

import keras
import numpy as np
import pytest

from workflow.lib.finetune.classifier import Classifier, build_head, cut, look, mark_trainable
from workflow.lib.finetune.compiled_training import (
    Learner,
    batched,
    load_state,
    on_device,
    plan_epoch,
    run_batched,
    save_state,
    stack_epochs,
    start,
)
from workflow.lib.network.encoder import random_encoder
from workflow.lib.network.views import apply_views, draw_views

COUNT, CROP, BATCH, EPOCHS = 22, 32, 8, 2
RNG = np.random.default_rng(0)
LABELS = np.arange(COUNT) % 2 == 0
IMAGES = (RNG.integers(0, 90, (COUNT, 40, 40, 1)) + 120 * LABELS[:, None, None, None]).astype(
    np.uint8
)
KEYS = np.arange(COUNT, dtype=np.uint64)
TRAIN, HELD = np.arange(16), np.arange(16, 22)


def views(rows, epoch):
    return draw_views(KEYS[rows], 1, epoch, 40, CROP)


def order(epoch):
    return np.random.default_rng(epoch).permutation(len(TRAIN))


def planned(epochs):
    return stack_epochs(
        [plan_epoch(TRAIN, LABELS[TRAIN], views(TRAIN, n), BATCH, order(n)) for n in epochs]
    )


def settle(encoder):
    """Let batch normalisation know its inputs, so that random weights tell images apart."""
    seen = np.asarray(apply_views(IMAGES, views(np.arange(COUNT), 0), CROP))
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    for _ in range(3):
        encoder(seen, training=True)


@pytest.fixture
def network():
    """An encoder cut below its top, and a head without dropout."""
    encoder = random_encoder(CROP, seed=1)
    settle(encoder)
    lower, upper = cut(encoder, "top")
    mark_trainable(upper, scratch=False, momentum=0.99)
    return encoder, lower, upper, build_head(1280, [8], 0.0, seed=1)


class Plain(keras.Model):
    """The same network as one model, to be trained by Keras."""

    def __init__(self, lower, upper, head):
        super().__init__()
        self.lower, self.upper, self.head = lower, upper, head

    def call(self, images, training=False):
        features = self.lower(images, training=False)
        return self.head(self.upper(features, training=False), training=training)


def learner_of(lower, upper, head):
    model = Classifier(upper, head, scratch=False)
    model.build(upper.input_shape)

    def see(images, rows, *views):
        return lower(look(images, rows, *views, crop=CROP), training=False)

    return Learner(model, see, upper.input_shape[1:])


def examples_of(learner):
    features = learner.see(on_device(IMAGES), HELD.astype(np.int32), *views(HELD, 0))
    return batched(features, LABELS[HELD], 4)


def test_it_takes_the_steps_that_keras_takes(network):
    _, lower, upper, head = network
    before = upper.get_weights(), head.get_weights()
    learner = learner_of(lower, upper, head)
    state, curve = learner.epochs(
        start(learner.model, 1), planned(range(1, 1 + EPOCHS)), on_device(IMAGES),
        examples_of(learner), 1e-3, 99,
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
    # It has learned, and what is fixed has stayed.
    assert curve[-1, 0] < 0.9 * curve[0, 0]
    assert len(state.weights) == 5


def test_what_fills_up_a_batch_counts_for_nothing(network):
    _, lower, upper, head = network
    learner = learner_of(lower, upper, head)
    steps = planned([1])
    filler = np.full((1, 2, 3), 21)
    padded = type(steps)(
        np.concatenate([steps.rows, filler.astype(np.int32)], axis=2),
        np.concatenate([steps.labels, filler.astype(np.float32)], axis=2),
        np.concatenate([steps.counts, 0 * filler.astype(np.float32)], axis=2),
        tuple(np.concatenate([view, view[:, :, :3]], axis=2) for view in steps.views),
    )
    found = [
        learner.epochs(
            start(learner.model, 1), some, on_device(IMAGES), examples_of(learner), 1e-3, 99
        )[1]
        for some in (steps, padded)
    ]
    # Some processors add up a larger batch in another order; a filler that counts is far off.
    np.testing.assert_allclose(*found, rtol=1e-4)


def test_training_stops_after_patience_and_keeps_the_best(network):
    _, lower, upper, head = network
    learner = learner_of(lower, upper, head)
    arguments = on_device(IMAGES), examples_of(learner)
    # So large a step that the validation loss can but rise.
    state, curve = learner.epochs(start(learner.model, 1), planned(range(1, 9)), *arguments, 1.0, 2)
    best = int(np.argmin(curve[:, 1]))
    assert len(curve) == best + 1 + 2 < 8
    assert float(state.best_loss) == pytest.approx(curve[best, 1])
    logits = learner.logits(state, arguments[0], HELD.astype(np.int32), views(HELD, 0), 4)
    losses = np.logaddexp(0, np.where(LABELS[HELD], -logits, logits).astype(np.float64))
    assert losses.mean() == pytest.approx(curve[best, 1], rel=1e-4)


def test_epochs_by_one_call_or_several_with_a_saved_state_between_are_the_same(network, tmp_path):
    _, lower, upper, _ = network
    learner = learner_of(lower, upper, build_head(1280, [8], 0.5, seed=1))
    arguments = on_device(IMAGES), examples_of(learner), 1e-3, 99
    whole, curve = learner.epochs(start(learner.model, 1), planned(range(1, 4)), *arguments)
    state, first = learner.epochs(start(learner.model, 1), planned(range(1, 3)), *arguments)
    save_state(state, first, 1.5, tmp_path / "state.npz")
    state, kept, seconds = load_state(tmp_path / "state.npz")
    assert seconds == 1.5
    state, second = learner.epochs(state, planned([3]), *arguments)
    np.testing.assert_array_equal(np.concatenate([kept, second]), curve)
    for one, other in zip(whole.best_weights, state.best_weights, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize(
    ("count", "batch_size", "shape"), [(3, 256, (1, 3)), (438, 256, (2, 219)), (10, 4, (3, 4))]
)
def test_an_epoch_is_shared_evenly_and_wholly(count, batch_size, shape):
    rows = np.arange(count) + 100
    steps = plan_epoch(rows, rows % 2, [rows * 2], batch_size, RNG.permutation(count))
    assert steps.rows.shape == shape
    assert sorted(steps.rows[steps.counts == 1]) == rows.tolist()
    np.testing.assert_array_equal(steps.labels, steps.rows % 2)
    np.testing.assert_array_equal(steps.views[0], steps.rows * 2)


@pytest.mark.parametrize("count", [1, 7, 8, 9])
def test_batches_are_joined_without_what_fills_them_up(count):
    numbers = np.arange(count, dtype=np.float32)
    np.testing.assert_array_equal(run_batched(lambda values: values * 2, [numbers], 4), 2 * numbers)
