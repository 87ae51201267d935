"""The shipped encoder: half the bytes, and nearly the same representations."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.unit.conftest import SIZE
from workflow.lib.common.errors import UserError
from workflow.lib.network.encoder import (
    Head,
    load_encoder,
    load_head,
    random_encoder,
    read_description,
    save_encoder,
    save_head,
)
from workflow.lib.planning.config import read_config
from workflow.lib.pretrain.released_weights import read_ours
from workflow.lib.pretrain.ship import ship_encoder

pytestmark = pytest.mark.thorough


@pytest.fixture
def shipped(tmp_path):
    save_encoder(
        random_encoder(SIZE, seed=1),
        tmp_path / "encoder.weights.h5",
        label="a label",
        training={"survey": "sky", "split": None},
        seed=1,
    )
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(1280, 2)).astype(np.float32)
    save_head(Head({"bar": ["yes", "no"]}, (1, 101), kernel, np.zeros(2)), tmp_path / "head.npz")
    votes = {"pretraining": ["all", "bar"], "question": "bar", "error": [0.1, 0.2]}
    pd.DataFrame(votes).to_csv(tmp_path / "evaluation.csv", index=False)
    labels = {"pretraining": ["random", "all"], "label": "ring", "auc": [0.6, 0.8]}
    pd.DataFrame(labels).to_csv(tmp_path / "probe.csv", index=False)
    ship_encoder(
        tmp_path / "encoder.weights.h5",
        tmp_path / "head.npz",
        tmp_path / "evaluation.csv",
        tmp_path / "probe.csv",
        pretraining="all",
        recipe={"epochs": 30},
        shipped=tmp_path / "shipped/encoder.weights.h5",
        shipped_head=tmp_path / "shipped/head.npz",
    )
    return tmp_path


def test_it_has_half_the_bytes_and_nearly_the_same_representations(shipped):
    names = [shipped / "encoder.weights.h5", shipped / "shipped/encoder.weights.h5"]
    whole, half = map(os.path.getsize, names)
    assert half < 0.52 * whole
    images = np.random.default_rng(1).integers(0, 255, (8, SIZE, SIZE, 1)).astype(np.float32)
    ours, theirs = (load_encoder(name, SIZE)[0].predict_on_batch(images) for name in names)
    assert 0 < np.abs(ours - theirs).max() < 1e-2 * ours.std(axis=0).max()
    heads = [load_head(name.with_name("head.npz")) for name in names]
    np.testing.assert_array_equal(heads[0].kernel, heads[1].kernel)


def test_its_description_has_the_recipe_and_the_scores_of_this_encoder(shipped):
    before, after = (
        json.loads((shipped / name).read_text())
        for name in ("encoder.json", "shipped/encoder.json")
    )
    assert after.pop("recipe") == {"epochs": 30}
    assert after.pop("scores") == {
        "error of vote fractions": {"bar": 0.1},
        "area under the curve": {"ring": 0.8},
    }
    assert list(after.pop("sha256")) == ["encoder.weights.h5", "head.npz"]
    assert after == before


@pytest.mark.parametrize("name", ["encoder.weights.h5", "head.npz"])
def test_a_file_that_is_not_the_one_described_is_refused(shipped, name):
    given = shipped / "shipped/encoder.weights.h5"
    assert read_ours(given, SIZE).head is not None
    (shipped / "shipped" / name).write_bytes((shipped / name).read_bytes() + b" ")
    with pytest.raises(UserError, match=f"{name}: not the file that its encoder.json"):
        read_ours(given, SIZE)


def test_own_images_get_the_encoder_of_the_code_at_the_size_that_it_learned_from():
    config = read_config([ROOT / "config/own.yaml"])
    weights = ROOT / config["pretraining"]["weights"]["all"]
    recipe = read_description(weights)["recipe"]
    assert recipe["crop_size"] == config["representation"]["crop_size"]
    for key in ("network_size", "network_field"):
        assert recipe["cutouts"][key] == config["cutouts"][key]
    assert (
        read_ours(weights, recipe["crop_size"]).head.questions == config["pretraining"]["questions"]
    )
