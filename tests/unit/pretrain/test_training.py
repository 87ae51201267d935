"""Training: several devices (simulated by TensorFlow on a CPU), recipe, head, and tones."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.conftest import ROOT
from workflow.lib.common.errors import UserError
from workflow.lib.common.name_seeds import name_keys
from workflow.lib.network.encoder import random_encoder
from workflow.lib.network.views import Tones
from workflow.lib.pretrain.training import (
    Batches,
    Recipe,
    all_gpus,
    build_pretraining_head,
    build_trainee,
    head_weights,
    train,
)

pytestmark = pytest.mark.thorough

RECIPE = {
    "patience": 9,
    "batch_size": 16,
    "learning_rate": 1e-2,
    "warmup": 0,
    "cosine": False,
    "head_rate": 1.0,
    "dropout": 0.2,
    "drop_connect": 0.2,
    "zero_init_residual": False,
    "clip_norm": None,
    "contrast": 0.2,
    "brightness": 0.1,
    "momentum": 0.9,
    "precision": "float32",
}
RUNS = """
import json, sys
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from workflow.lib.common.name_seeds import name_keys
from workflow.lib.pretrain.training import Batches, Recipe, all_gpus
from workflow.lib.pretrain.training import build_pretraining_head, build_trainee, train

labels = np.arange(96) % 2
images = np.random.default_rng(0).integers(0, 60, (96, 40, 40, 1), np.uint8)
images[labels == 1] += 120
keys = name_keys([f"J{number}" for number in range(96)])
of_keras = keras.distribution.list_devices


def run(recipe, state, count, kind):
    gpus = ["cpu"] * count
    keras.distribution.list_devices = (lambda kind: gpus) if kind == "as GPUs" else of_keras
    how, devices = Recipe(**recipe), [f"CPU:{number}" for number in range(count)]
    keras.utils.set_random_seed(1)
    training, validation = (
        Batches(images, labels, keys, rows, crop=32, recipe=how, seed=1, train=learned)
        for rows, learned in ((np.arange(64), True), (np.arange(64, 96), False))
    )
    with all_gpus(how, devices):
        views = keras.Input((32, 32, 1))
        seen = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(views))
        encoder = keras.Model(views, keras.layers.GlobalAveragePooling2D()(seen))
        head = build_pretraining_head(4, 2, "softmax", how)
        model = build_trainee(encoder, head, 40, "sparse_categorical_crossentropy", how)
    curve = train(model, training, validation, recipe=how, seed=1, state=state)
    kernel = head.layers[-1].kernel.value
    copies = [np.asarray(copy) for copy in getattr(kernel, "values", [kernel])]
    return {"loss": [row.loss for row in curve], "copies": np.stack(copies).tolist()}


for line in sys.stdin:
    print(json.dumps(run(*json.loads(line))), flush=True)
"""
"""Trains as each line of its input says: recipe, state, number of devices, and what they are."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", RUNS]
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:

        def run(epochs, state, devices=2, kind="as CPUs", **recipe):
            recipe = {**RECIPE, **recipe, "epochs": epochs}
            print(json.dumps([recipe, str(folder / state), devices, kind]), file=process.stdin)
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield run


def test_two_devices_learn_together_and_resume_where_they_stopped(run):
    whole = run(4, "whole.npz")
    assert whole["loss"][-1] < 0.8 * whole["loss"][0]
    first, second = whole["copies"]
    assert first == second
    run(2, "stopped.npz")
    resumed = run(4, "stopped.npz")
    assert resumed["loss"] == pytest.approx(whole["loss"], rel=1e-3)
    np.testing.assert_allclose(resumed["copies"], whole["copies"], rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize(
    ("wrong", "message"), [(slice(0, 32), "the loss"), (slice(32, 48), "the validation loss")]
)
def test_a_loss_of_the_first_epoch_that_is_not_a_number_stops_training(tmp_path, wrong, message):
    """A validation loss that is not a number would be the lowest of all later epochs."""
    recipe = Recipe(epochs=3, **RECIPE)
    draw = np.random.default_rng(1)
    images = draw.integers(0, 255, (48, 40, 40, 1), np.uint8)
    labels = draw.random((48, 1)).astype(np.float32)
    labels[wrong] = np.nan
    keys = name_keys([f"J{number}" for number in range(48)])
    training, validation = (
        Batches(images, labels, keys, rows, crop=32, recipe=recipe, seed=1, train=learned)
        for rows, learned in ((np.arange(32), True), (np.arange(32, 48), False))
    )
    views = keras.Input((32, 32, 1))
    encoder = keras.Model(views, keras.layers.GlobalAveragePooling2D()(views))
    model = build_trainee(
        encoder, build_pretraining_head(1, 1, "linear", recipe), 40, "mse", recipe
    )
    state = tmp_path / "training.npz"
    with pytest.raises(FloatingPointError, match=f"{message} of epoch 1 is not a number"):
        train(model, training, validation, recipe=recipe, seed=1, state=state)
    assert not state.exists()


def test_without_validation_it_ends_with_the_last_epoch_also_when_resumed(tmp_path):
    draw = np.random.default_rng(1)
    images = draw.integers(0, 255, (32, 40, 40, 1), np.uint8)
    labels = draw.random((32, 1)).astype(np.float32)
    keys = name_keys([f"J{number}" for number in range(32)])

    def run(epochs, state):
        """Return the learning curve, and the head's weights at the end and in the last epoch."""
        recipe = Recipe(epochs=epochs, **RECIPE)
        rows = np.arange(32)
        training = Batches(images, labels, keys, rows, crop=32, recipe=recipe, seed=1, train=True)
        views = keras.Input((32, 32, 1))
        encoder = keras.Model(views, keras.layers.GlobalAveragePooling2D()(views))
        head = build_pretraining_head(1, 1, "linear", recipe)
        model = build_trainee(encoder, head, 40, "mse", recipe)
        curve = train(model, training, None, recipe=recipe, seed=1, state=tmp_path / state)
        return curve, head_weights(head)

    curve, (kernel, bias) = run(3, "whole.npz")
    assert [row.epoch for row in curve] == [1, 2, 3]
    assert np.isnan([row.validation_loss for row in curve]).all()
    _, (early, _) = run(2, "stopped.npz")
    assert not np.allclose(early, kernel)
    resumed, weights = run(3, "stopped.npz")
    assert [row.loss for row in resumed] == pytest.approx([row.loss for row in curve])
    np.testing.assert_allclose(weights[0], kernel)
    np.testing.assert_allclose(weights[1], bias)


def test_two_devices_resume_where_one_stopped(run):
    stopped = run(2, "one.npz", devices=1)
    resumed = run(4, "one.npz")
    assert (len(stopped["copies"]), len(resumed["copies"])) == (1, 2)
    assert resumed["loss"][:2] == stopped["loss"]
    assert resumed["loss"][-1] < 0.8 * stopped["loss"][-1]
    first, second = resumed["copies"]
    assert first == second


@pytest.fixture(scope="module")
def losses_of_cpus(run):
    return {devices: run(2, f"{devices}.npz", devices, dropout=0.0)["loss"] for devices in (1, 2)}


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("float32", 1e-4), ("mixed_float16", 5e-3), ("mixed_bfloat16", 2e-2)],
)
def test_what_is_only_done_on_gpus_learns_the_same(
    run, losses_of_cpus, devices, precision, tolerance
):
    """XLA and half precision, on a CPU; without dropout, of which XLA draws other numbers."""
    state = f"{devices}-{precision}.npz"
    found = run(2, state, devices, "as GPUs", precision=precision, dropout=0.0)["loss"]
    assert found == pytest.approx(losses_of_cpus[devices], rel=tolerance)


def test_devices_that_cannot_share_a_batch_are_refused():
    devices = ["CPU:0", "CPU:1", "CPU:2"]
    with (
        pytest.raises(UserError, match=r"3 GPUs.* 16 .*CUDA_VISIBLE_DEVICES"),
        all_gpus(Recipe(epochs=1, **RECIPE), devices),
    ):
        pass


def test_drop_connect_has_the_rate_of_the_recipe():
    # It rises from block to block; without it, training sees the network that predicts.
    for share, last in ((0.2, 0.175), (0.4, 0.35), (0.0, 0.0)):
        encoder = random_encoder(32, 1)
        recipe = Recipe(epochs=1, **{**RECIPE, "drop_connect": share})
        head = build_pretraining_head(1280, 1, "linear", recipe)
        build_trainee(encoder, head, 40, "mse", recipe)
        rates = [layer.rate for layer in encoder.layers if layer.name.endswith("_drop")]
        assert rates == sorted(rates)
        assert rates[-1] == pytest.approx(last)


@pytest.mark.parametrize("rate", [1.0, 0.1])
def test_the_head_learns_at_its_own_rate(rate):
    recipe = Recipe(epochs=1, **{**RECIPE, "dropout": 0, "head_rate": rate})
    head = build_pretraining_head(4, 2, "linear", recipe, bias=np.array([1, 2], np.float32))
    head.compile(keras.optimizers.Adam(0.01), "mse")
    vectors = np.random.default_rng(1).uniform(1, 2, (8, 4)).astype(np.float32)
    head.train_on_batch(vectors, np.zeros((8, 2)))
    kernel, bias = head_weights(head)
    # The first step of Adam has the size of the learning rate.
    np.testing.assert_allclose(kernel, -0.01 * rate, rtol=1e-4)
    np.testing.assert_allclose(bias, [0.99, 1.99], rtol=1e-4)
    np.testing.assert_allclose(head(vectors), vectors @ kernel + bias, rtol=1e-5)


@pytest.mark.parametrize("identity", [True, False])
def test_residual_blocks_may_start_as_the_identity(identity):
    encoder = random_encoder(32, 1)
    recipe = Recipe(epochs=1, **{**RECIPE, "zero_init_residual": identity})
    build_trainee(encoder, build_pretraining_head(1280, 1, "linear", recipe), 40, "mse", recipe)
    images = np.random.default_rng(1).integers(0, 256, (4, 32, 32, 1)).astype(np.float32)
    sums = [layer for layer in encoder.layers if layer.name.endswith("_add")]
    ends = keras.Model(encoder.input, [[layer.input[1], layer.output] for layer in sums])
    assert len(sums) == 9
    for entering, leaving in ends(images):
        assert np.array_equal(entering, leaving) == identity


def test_the_learning_rate_rises_then_falls_to_zero():
    recipe = Recipe(epochs=11, **{**RECIPE, "warmup": 1, "cosine": True})
    rates = [recipe.rate(epoch) for epoch in range(1, 12)]
    assert rates[0] == pytest.approx(0.5e-2)
    assert rates[1] == pytest.approx(1e-2)
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert 0 < rates[-1] < 0.05e-2


def test_tones_change_in_training_only_and_differ_between_epochs():
    images, rows = np.zeros((32, 40, 40, 1), np.uint8), np.arange(32)
    keys = name_keys([f"J{number}" for number in rows])
    recipe = Recipe(epochs=2, **RECIPE)
    training, validation = (
        Batches(images, rows, keys, rows, crop=32, recipe=recipe, seed=1, train=learned)
        for learned in (True, False)
    )
    seen = []
    for epoch in (1, 2):
        training.start(epoch)
        tones = [training[number][0] for number in range(len(training))]
        seen.append([np.concatenate([tone[name] for tone in tones]) for name in Tones._fields])
    (contrast, brightness), (other, _) = seen
    assert len(set(contrast)) == len(set(brightness)) == 32
    assert not np.isin(contrast, other).any()
    assert np.abs(contrast - 1).max() <= RECIPE["contrast"]
    assert np.abs(brightness).max() <= RECIPE["brightness"]
    inputs, _ = validation[0]
    assert set(inputs["contrast"]) == {1}
    assert set(inputs["brightness"]) == {0}
