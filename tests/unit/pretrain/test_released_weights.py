"""Weights that were trained elsewhere have the same output in our network as in their own."""

import logging
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import yaml
from keras.src.applications import efficientnet
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from tests.zoobot import (
    head_variables,
    nested,
    settle,
    variables_of,
    write_checkpoint,
    zoobot_network,
)
from workflow.lib.common.errors import UserError
from workflow.lib.network.encoder import (
    Head,
    build_encoder,
    load_encoder,
    load_head,
    random_encoder,
    save_encoder,
    save_head,
)
from workflow.lib.pretrain.released_weights import IMAGENET_STDDEV, copy_encoder
from workflow.lib.pretrain.votes import answer_columns
from workflow.lib.sources.downloads import read_downloads

ROOT = Path(__file__).parents[3]
SIZE = 75  # odd, so that some layers also have odd sizes, for which padding differs
QUESTIONS = {"bar": ["yes", "no"], "bulge": ["big", "small", "none"]}
STEM = "layer_with_weights-0/layer_with_weights-0/layer_with_weights-"
"""Path of the network's layers, without their number."""


def pictures(channels, size=SIZE):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (4, size, size, channels)).astype(np.float32)


def copied(given, folder, size=SIZE, questions=QUESTIONS):
    """Copy weights, and load the copy."""
    weights, head = folder / "encoder.weights.h5", folder / "head.npz"
    copy_encoder(given, weights, head, size=size, survey="sky", questions=questions)
    return *load_encoder(weights, size), head


def assert_same(ours, theirs, images, their_images):
    """Check that both have the same output for different pictures; give the output of ours."""
    expected = np.asarray(theirs(their_images, training=False))
    assert expected.std(axis=0).mean() > 0.03
    found = np.asarray(ours(images, training=False))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    return found


def complaint(given, folder, size=SIZE):
    with pytest.raises(UserError) as caught:
        copied(given, folder / "copied", size)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{given}: ")
    assert not (folder / "copied").exists()
    return message


# Keras Applications

MEAN = [0.485, 0.456, 0.406]


def write_h5(network, path):
    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, network)


def imagenet_network(path, size, patch):
    """Build Keras Applications' network for ImageNet from a local file, without a download."""
    asked = []

    def downloaded(name, origin, **options):
        asked.append((name, origin))
        return str(path)

    patch.setattr(efficientnet.file_utils, "get_file", downloaded)
    network = keras.applications.EfficientNetB0(
        weights="imagenet", include_top=False, pooling="avg", input_shape=(size, size, 3)
    )
    return network, *asked


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """A file like Keras's, in which the variance is also a standard deviation."""
    path = tmp_path_factory.mktemp("imagenet") / "efficientnetb0_notop.h5"
    fresh = random_encoder(SIZE, seed=1, channels=3)
    fresh.layers[2].set_weights([*np.float32([MEAN, IMAGENET_STDDEV]), np.int32(1)])
    write_h5(fresh, path)
    with pytest.MonkeyPatch.context() as patch:
        network, _ = imagenet_network(path, SIZE, patch)
    settle(network, seed=1, brightest=255)
    write_h5(network, path)
    return path


@pytest.mark.thorough
@pytest.mark.parametrize("size", [SIZE, 64])
def test_imagenet_weights_have_the_output_of_keras_applications(
    imagenet, tmp_path, monkeypatch, size
):
    theirs, (name, origin) = imagenet_network(imagenet, size, monkeypatch)
    # Keras would download the same file as our table of downloads.
    assert read_downloads(ROOT / "config/downloads.tsv")[name].url == origin
    ours, description, head = copied(imagenet, tmp_path, size)
    assert_same(ours, theirs, pictures(3, size), pictures(3, size))
    assert description["channels"] == 3
    assert description["input_range"] == [0, 255]
    assert description["training"] == {"pictures": "ImageNet"}
    assert (description["label"], description["seed"]) == ("encoder trained on ImageNet", None)
    with pytest.raises(UserError, match="came without a head"):
        load_head(head)


def test_the_standard_deviations_are_those_of_keras():
    assert list(IMAGENET_STDDEV) == efficientnet.IMAGENET_STDDEV_RGB


@pytest.mark.thorough
def test_the_normalisation_comes_from_the_file(imagenet, tmp_path):
    ours, _, _ = copied(imagenet, tmp_path)
    mean, variance, _ = ours.layers[2].get_weights()
    np.testing.assert_allclose(mean, MEAN)
    np.testing.assert_allclose(variance, np.square(IMAGENET_STDDEV), rtol=1e-6)


@pytest.mark.thorough
def test_weights_that_do_not_normalise_colours_are_refused_as_imagenet(tmp_path):
    write_h5(build_encoder(SIZE, channels=3), tmp_path / "own.h5")
    assert "not weights of ImageNet" in complaint(tmp_path / "own.h5", tmp_path)


@pytest.mark.thorough
def test_h5_of_another_network_is_refused(tmp_path):
    small = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    write_h5(small, tmp_path / "small.h5")
    message = complaint(tmp_path / "small.h5", tmp_path)
    assert "not EfficientNetB0 of Keras Applications" in message
    assert "layers" in message


@pytest.mark.parametrize("kept", [0, 1_000_000])
def test_a_truncated_h5_is_refused(imagenet, tmp_path, kept):
    short = tmp_path / imagenet.name
    short.write_bytes(imagenet.read_bytes()[:kept])
    assert "not EfficientNetB0 of Keras Applications" in complaint(short, tmp_path)


# Zoobot


@pytest.fixture(scope="module")
def zoobot():
    """Zoobot's network."""
    keras.utils.set_random_seed(2)
    network = zoobot_network(SIZE)
    settle(network, seed=2)
    return network


@pytest.fixture(scope="module")
def variables(zoobot):
    return variables_of(zoobot) | head_variables(5, seed=2)


@pytest.fixture(scope="module")
def checkpoint(variables, tmp_path_factory):
    return write_checkpoint(variables, tmp_path_factory.mktemp("zoobot") / "checkpoint")


@pytest.fixture
def copy_of(checkpoint, tmp_path):
    """A checkpoint that a test may damage."""
    for file in checkpoint.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / checkpoint.name


@pytest.mark.thorough
def test_zoobot_weights_have_the_output_of_zoobot_s_network(
    zoobot, variables, checkpoint, tmp_path
):
    ours, description, file = copied(checkpoint, tmp_path)
    vectors = assert_same(ours, zoobot, pictures(1), pictures(1) / 255)
    assert description["channels"] == 1
    assert description["input_range"] == [0, 255]
    assert description["training"] == {"survey": "sky", "split": None}
    assert description["label"] == "encoder trained elsewhere (checkpoint.index)"
    assert description["seed"] is None
    head = load_head(file)
    assert head.questions == QUESTIONS
    logits = vectors @ variables["layer_with_weights-1/kernel"]
    logits = logits + variables["layer_with_weights-1/bias"]
    np.testing.assert_allclose(
        head.concentrations(vectors), 1 + 100 / (1 + np.exp(-logits)), rtol=1e-4
    )


def second(variables):
    """Rename variables as if another layer with weights came before the network."""
    return {
        f"layer_with_weights-{int(path.partition('/')[0][-1]) + 1}/{path.partition('/')[2]}": value
        for path, value in variables.items()
    }


@pytest.mark.thorough
@pytest.mark.parametrize("rename", [nested, second])
def test_zoobot_layers_are_read_in_order_however_they_are_nested(
    zoobot, variables, tmp_path, rename
):
    headless = {path: value for path, value in variables.items() if path.startswith(STEM)}
    renamed = rename(headless)
    assert not set(renamed) & set(headless)
    ours, _, head = copied(write_checkpoint(renamed, tmp_path / "other"), tmp_path)
    assert_same(ours, zoobot, pictures(1), pictures(1) / 255)
    with pytest.raises(UserError, match="came without a head"):
        load_head(head)


@pytest.mark.thorough
def test_zoobot_colour_weights_take_three_channels_and_a_head_that_does_not_fit_is_dropped(
    tmp_path, caplog
):
    caplog.set_level(logging.WARNING)
    keras.utils.set_random_seed(3)
    network = zoobot_network(SIZE, channels=3)
    settle(network, seed=3)
    index = write_checkpoint(variables_of(network) | head_variables(7, seed=3), tmp_path / "colour")
    ours, description, head = copied(index, tmp_path)
    assert description["channels"] == 3
    assert_same(ours, network, pictures(3), pictures(3) / 255)
    assert "gives 7 values, and pretraining.questions have 5 answers" in caplog.text
    with pytest.raises(UserError, match="came without a head"):
        load_head(head)


def test_the_paper_s_questions_have_34_answers_like_the_released_head():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert len(answer_columns(config["pretraining"]["questions"])) == 34


def test_all_variables_that_do_not_fit_are_listed(variables, tmp_path):
    changed = dict(variables)
    del changed[f"{STEM}3/gamma"]
    changed[f"{STEM}0/bias"] = np.zeros(32, np.float32)
    changed[f"{STEM}128/kernel"] = np.zeros((1, 1, 320, 640), np.float32)
    changed["layer_with_weights-2/kernel"] = np.zeros((5, 2), np.float32)
    message = complaint(write_checkpoint(changed, tmp_path / "odd"), tmp_path)
    assert message.partition(": ")[2] == (
        "not weights of this EfficientNetB0; missing: gamma of block1a_bn; "
        f"left over: {STEM}0/bias (32,), layer_with_weights-2/kernel (5, 2); "
        "of another shape: kernel of top_conv (1, 1, 320, 640), not (1, 1, 320, 1280)"
    )


def test_a_missing_layer_does_not_shift_the_others(variables, tmp_path):
    changed = {path: value for path, value in variables.items() if f"{STEM}5/" not in path}
    message = complaint(write_checkpoint(changed, tmp_path / "gap"), tmp_path)
    assert message.endswith(
        "EfficientNetB0; missing: bias of block1a_se_expand, kernel of block1a_se_expand"
    )


def test_of_many_faults_the_error_names_the_first_and_the_log_all(variables, tmp_path, caplog):
    few = {path: value for path, value in variables.items() if f"{STEM}1" in path}
    message = complaint(write_checkpoint(few, tmp_path / "few"), tmp_path)
    assert " more (see the log)" in message
    assert len(message) < 600
    assert len([line for line in caplog.messages if "missing: " in line]) == len(variables) - 2 - (
        len(few)
    )


def test_a_missing_checkpoint_is_named(tmp_path):
    assert "not a whole TensorFlow checkpoint" in complaint(tmp_path / "none.index", tmp_path)


@pytest.mark.parametrize("ending", ["index", "data-00000-of-00001"])
@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_a_truncated_checkpoint_is_named(copy_of, tmp_path, ending, share):
    file = copy_of.with_suffix(f".{ending}")
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert "not a whole TensorFlow checkpoint" in complaint(copy_of, tmp_path)


def test_a_changed_byte_is_detected(copy_of, tmp_path):
    file = copy_of.with_suffix(".data-00000-of-00001")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert "not a whole TensorFlow checkpoint" in complaint(copy_of, tmp_path)


def test_a_checkpoint_without_its_data_is_named(copy_of, tmp_path):
    copy_of.with_suffix(".data-00000-of-00001").unlink()
    assert ".data files must stand side by side" in complaint(copy_of, tmp_path)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "notes.index").write_text("weights of 2021")
    assert "not a whole TensorFlow checkpoint" in complaint(tmp_path / "notes.index", tmp_path)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    index = write_checkpoint({"table/rows": np.zeros(3, np.float32)}, tmp_path / "table")
    assert "no layers of a Keras network" in complaint(index, tmp_path)


# Ours


@pytest.mark.thorough
def test_our_own_weights_are_copied_with_their_description_and_head(tmp_path):
    given, encoder = tmp_path / "given" / "encoder.weights.h5", random_encoder(32, seed=1)
    training = {"survey": "sky", "split": {"seed": 1}}
    save_encoder(encoder, given, label="a label", training=training, seed=1)
    kernel, bias = head_variables(5, seed=1).values()
    save_head(Head(QUESTIONS, (1, 51), kernel, bias), given.with_name("head.npz"))
    ours, description, file = copied(given, tmp_path, size=32)
    for copy, original in zip(ours.get_weights(), encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(copy, original)
    assert (description["label"], description["training"]) == ("a label", training)
    assert (description["channels"], description["seed"]) == (1, 1)
    head = load_head(file)
    assert (head.questions, tuple(head.range)) == (QUESTIONS, (1, 51))
    np.testing.assert_array_equal(head.kernel, kernel)
    np.testing.assert_array_equal(head.bias, bias)


def test_our_own_weights_need_their_json(tmp_path):
    given = tmp_path / "encoder.weights.h5"
    random_encoder(32, seed=1).save_weights(given)
    with pytest.raises(UserError, match=r"encoder\.json: missing"):
        copied(given, tmp_path / "copied", size=32)
