"""The network and its weights: output, reproducibility, and weights that are refused."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from workflow.lib.common.errors import UserError
from workflow.lib.network.encoder import (
    DESCRIPTION_KEYS,
    build_encoder,
    load_encoder,
    random_encoder,
    read_description,
    save_encoder,
)

ROOT = Path(__file__).parents[3]
SIZE = 64
DIGEST = """
import hashlib, sys
from workflow.lib.network.encoder import random_encoder
encoder = random_encoder(64, int(sys.argv[1]))
print(hashlib.sha256(b"".join(array.tobytes() for array in encoder.get_weights())).hexdigest())
"""


def digest(encoder):
    arrays = encoder.get_weights()
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


@pytest.fixture(scope="module")
def encoder():
    return random_encoder(SIZE, seed=1)


@pytest.fixture(scope="module")
def saved(encoder, tmp_path_factory):
    weights = tmp_path_factory.mktemp("saved") / "encoder.weights.h5"
    save_encoder(encoder, weights, label="random weights", training=None, seed=1)
    return weights


@pytest.fixture
def weights(saved, tmp_path):
    """A copy that a test may damage."""
    for file in saved.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / saved.name


def complaint(weights, size=SIZE):
    with pytest.raises(UserError) as caught:
        load_encoder(weights, size)
    message = str(caught.value)
    assert "\n" not in message
    assert str(weights.parent) in message
    return message


def describe(weights, **changes):
    path = weights.with_name("encoder.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_representation_has_1280_values(encoder):
    assert encoder.output_shape == (None, 1280)
    assert encoder.input_shape == (None, SIZE, SIZE, 1)
    assert encoder.layers[-1].output.shape[-1] == 1280


def test_layers_have_the_names_that_unfreezing_relies_on(encoder):
    names = {layer.name for layer in encoder.layers}
    blocks = {name.partition("_")[0][5] for name in names if name.startswith("block")}
    assert blocks == set("1234567")
    assert {"block4a_expand_conv", "block6a_expand_conv", "block7a_project_conv"} <= names
    assert {"top_conv", "stem_conv"} <= names
    assert not [name for name in names if "predictions" in name or name.startswith("top_dropout")]


def test_the_network_is_the_paper_s(encoder):
    # Keras's EfficientNetB0 without its last layer has 4,049,571 parameters for three channels
    # and as many means and variances of the input; one channel has 2 * 3 * 3 * 32 fewer in the
    # first convolution, and two means and two variances fewer.
    assert encoder.count_params() == 4_049_571 - 2 * 3 * 3 * 32 - 4


def test_it_takes_images_from_0_to_255(encoder):
    rescaling = [layer for layer in encoder.layers if type(layer).__name__ == "Rescaling"]
    assert rescaling[0].scale == pytest.approx(1 / 255)


@pytest.mark.thorough
def test_random_weights_follow_from_the_seed(encoder):
    assert digest(random_encoder(SIZE, seed=1)) == digest(encoder)
    assert digest(random_encoder(SIZE, seed=2)) != digest(encoder)


def test_random_weights_are_drawn_without_resetting_tensorflow():
    """A reset would have it optimise the compiled functions of a job again for each run."""
    tf.random.set_seed(7)
    expected = [float(tf.random.uniform(())) for _ in range(2)]
    tf.random.set_seed(7)
    first = float(tf.random.uniform(()))
    random_encoder(32, seed=1)
    assert [first, float(tf.random.uniform(()))] == expected


@pytest.mark.thorough
def test_random_weights_are_the_same_in_another_process(encoder):
    printed = subprocess.run(
        [sys.executable, "-c", DIGEST, "1"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == digest(encoder)


@pytest.mark.thorough
def test_saved_and_loaded_it_gives_the_same_representations(encoder, saved):
    loaded, description = load_encoder(saved, SIZE)
    images = np.random.default_rng(0).uniform(0, 255, (2, SIZE, SIZE, 1)).astype(np.float32)
    found, expected = (one.predict_on_batch(images) for one in (loaded, encoder))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert digest(loaded) == digest(encoder)
    assert {key: description[key] for key in DESCRIPTION_KEYS[:-1]} == {
        "label": "random weights",
        "training": None,
        "size": SIZE,
        "channels": 1,
        "input_range": [0, 255],
        "seed": 1,
    }
    assert sorted(path.name for path in saved.parent.iterdir()) == [
        "encoder.json",
        "encoder.weights.h5",
    ]


def test_weights_for_another_size_are_refused(weights):
    message = complaint(weights, size=96)
    assert "images of 64 pixels, not 96" in message
    assert "representation.crop_size" in message


def test_weights_for_another_range_of_pixels_are_refused(weights):
    describe(weights, input_range=[0, 1])
    assert "made for pixels from 0 to 1" in complaint(weights)


def test_weights_for_colour_images_are_refused_for_grey_ones(weights):
    describe(weights, channels=3)
    assert "not weights of this EfficientNetB0" in complaint(weights)


def test_missing_weights_are_named(weights):
    weights.unlink()
    assert complaint(weights) == f"{weights}: no such weights"


@pytest.mark.parametrize("kept", [0, 100, 100_000])
def test_truncated_weights_are_named(weights, kept):
    weights.write_bytes(weights.read_bytes()[:kept])
    assert complaint(weights).startswith(f"{weights}: not weights of this EfficientNetB0")


@pytest.mark.thorough
def test_other_files_are_refused(weights):
    weights.write_text("<!doctype html>")
    assert "not weights of this EfficientNetB0" in complaint(weights)


def test_a_missing_description_is_named(weights):
    weights.with_name("encoder.json").unlink()
    assert "encoder.json: missing; weights need it" in complaint(weights)


@pytest.mark.parametrize("content", [b"", b'{"size": 64', b"\xff\xfe\x00", b"[]", b"64"])
def test_a_broken_description_is_named(weights, content):
    weights.with_name("encoder.json").write_bytes(content)
    assert "encoder.json: " in complaint(weights)


@pytest.mark.parametrize("key", DESCRIPTION_KEYS)
def test_a_missing_key_of_the_description_is_named(weights, key):
    path = weights.with_name("encoder.json")
    content = json.loads(path.read_text())
    del content[key]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"encoder.json: no key '{key}'"):
        read_description(weights)


def test_colour_networks_take_three_channels():
    assert build_encoder(SIZE, channels=3).input_shape == (None, SIZE, SIZE, 3)
