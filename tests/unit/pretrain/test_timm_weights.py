"""Weights of timm's EfficientNetB0 give timm's outputs, and their files run nothing.

`timm_outputs.csv` has the first 16 of the 1280 outputs of timm 1.0.31, for weights and images that
`state` and `images` make again.
"""

import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.timm import images, state, write_bin, write_safetensors
from workflow.lib.common.errors import UserError
from workflow.lib.network.encoder import TIMM, load_encoder, read_description
from workflow.lib.network.train_on_cpu import train_layers
from workflow.lib.pretrain.released_weights import copy_encoder
from workflow.lib.pretrain.tensor_files import follow, read_tensors
from workflow.lib.pretrain.timm_weights import read_timm

OUTPUTS = pd.read_csv(Path(__file__).with_name("timm_outputs.csv"))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The weights for one channel as `.bin`, for three as `.safetensors`."""
    folder = tmp_path_factory.mktemp("timm")
    write_bin(folder / "pytorch_model.bin", state(1))
    write_safetensors(folder / "model.safetensors", state(3))
    return {1: folder / "pytorch_model.bin", 3: folder / "model.safetensors"}


def assert_as_timm(encoder, side, channels):
    expected = OUTPUTS.query("side == @side and channels == @channels").iloc[:, 3:]
    found = np.asarray(encoder(images(side, channels), training=False))
    assert len(expected) == len(found) == 4
    np.testing.assert_allclose(found[:, :16], expected, atol=1e-4)


@pytest.mark.thorough
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [64, 75])
def test_the_outputs_are_those_of_timm_also_stored_and_ready_to_be_trained(
    files, side, channels, tmp_path
):
    encoder = read_timm(files[channels], side)
    assert_as_timm(encoder, side, channels)
    weights, head = tmp_path / "encoder.weights.h5", tmp_path / "head.npz"
    copy_encoder(files[channels], weights, head, size=side, survey="decals", questions={})
    folded, description = load_encoder(weights, side)
    assert (description["padding"], description["epsilon"]) == TIMM
    assert_as_timm(folded, side, channels)
    train_layers(encoder, momentum=0.9)
    assert_as_timm(encoder, side, channels)


@pytest.mark.thorough
def test_the_outputs_of_the_real_files_are_those_of_timm(shared_data):
    folder = shared_data / "timm"
    names = {1: "pytorch_model_channels1.bin", 3: "model_channels3.safetensors"}
    reference = np.load(folder / "reference.npz")
    for channels, name in names.items():
        encoder = read_timm(folder / name, 224)
        found = np.asarray(encoder(images(224, channels)))
        np.testing.assert_allclose(found, reference[f"channels{channels}_side224"], atol=1e-4)
        drawn, stored = state(channels), read_tensors(folder / name)
        assert all(np.array_equal(stored[key], value) for key, value in drawn.items())


@pytest.mark.thorough
def test_a_description_without_a_variant_means_that_of_keras(files, tmp_path):
    weights = tmp_path / "encoder.weights.h5"
    copy_encoder(files[1], weights, tmp_path / "head.npz", size=64, survey="decals", questions={})
    description = dict(read_description(weights))
    del description["padding"], description["epsilon"]
    (tmp_path / "encoder.json").write_text(json.dumps(description))
    encoder, _ = load_encoder(weights, 64)
    assert encoder.variant == ("keras", 1e-3)


class Attack:
    """Makes a file when it is unpickled."""

    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return os.system, (f"touch '{self.made}'",)


def test_a_file_that_would_run_something_is_refused_by_name_and_runs_nothing(tmp_path):
    path, made = tmp_path / "pytorch_model.bin", tmp_path / "made"
    write_bin(
        path, {"conv_stem.weight": np.ones((32, 1, 3, 3), np.float32)}, more={"x": Attack(made)}
    )
    with pytest.raises(UserError, match=r"pytorch_model.bin: its pickle names '\w+.system', which"):
        read_timm(path, 64)
    assert not made.exists()


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("value", [Attack("x"), [1], {"a": 1.5}, b"bytes", {1, 2}, 2**80, print])
def test_of_a_pickle_only_what_weights_need_is_followed(protocol, value):
    try:
        found = follow(pickle.dumps(value, protocol))
    except UserError:
        return
    assert found == value


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path, _: path.write_bytes(b"PK"), "not a whole file of tensors"),
        (lambda path, t: write_bin(path, t, zipfile.ZIP_DEFLATED), "its parts are compressed"),
        (lambda path, _: write_bin(path, {"a": 1}), "not the state of a network"),
        (lambda path, _: path.unlink(missing_ok=True), "No such file"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, write, message):
    path = tmp_path / "pytorch_model.bin"
    write(path, {"conv_stem.weight": np.ones((32, 1, 3, 3), np.float32)})
    with pytest.raises(UserError, match=f"pytorch_model.bin: .*{message}"):
        read_timm(path, 64)


def test_a_file_cut_short_is_named(files, tmp_path):
    for channels, ending in ((1, "x.bin"), (3, "x.safetensors")):
        (tmp_path / ending).write_bytes(files[channels].read_bytes()[:-1000])
        with pytest.raises(UserError, match=f"{ending}: not a whole file of tensors"):
            read_tensors(tmp_path / ending)


def test_a_tensor_outside_of_its_numbers_is_refused(tmp_path):
    longer = np.lib.stride_tricks.as_strided(np.ones(4, np.float32), (4,), (16,))
    write_bin(tmp_path / "x.bin", {"a": longer})
    with zipfile.ZipFile(tmp_path / "x.bin") as archive:
        assert len(archive.read("archive/data/0")) == 16
    with pytest.raises(UserError, match="a tensor lies outside of its numbers"):
        read_tensors(tmp_path / "x.bin")


def test_types_that_are_not_read_are_named(tmp_path):
    path = tmp_path / "x.safetensors"
    write_safetensors(path, {"a": np.ones(3, np.float32)})
    path.write_bytes(path.read_bytes().replace(b'"F32"', b'"F8_"'))
    with pytest.raises(UserError, match="'a' has the type F8_, not F64, F32"):
        read_tensors(path)


def without(tensors, name):
    return {key: value for key, value in tensors.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: without(t, "conv_head.weight"), "efficientnet_b0: no conv_head.weight$"),
        # As EfficientNetB1, which has one more block in some stages.
        (lambda t: t | {"blocks.1.2.bn1.bias": np.ones(1)}, "blocks.1.2.bn1.bias too many$"),
        (lambda t: t | {"bn2.bias": np.ones(1408)}, r"bn2.bias \(1408,\), not \(1280,\)$"),
        (
            lambda t: {"stem.0.weight": np.ones((96, 3, 4, 4))},
            "no conv_stem.weight,.* and 300 more$",
        ),
    ],
)
def test_weights_of_another_network_are_refused_with_what_does_not_fit(tmp_path, change, message):
    changed = {name: np.float32(value) for name, value in change(state(1)).items()}
    write_safetensors(tmp_path / "model.safetensors", changed)
    with pytest.raises(UserError, match=message):
        read_timm(tmp_path / "model.safetensors", 64)


def test_half_precision_is_read(tmp_path):
    write_safetensors(tmp_path / "x.safetensors", {"a": np.float32([1.5, -2])}, "F16")
    assert read_tensors(tmp_path / "x.safetensors")["a"].tolist() == [1.5, -2]
