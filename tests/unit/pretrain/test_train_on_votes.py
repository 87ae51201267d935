"""Pretraining: the files it writes, that it learns, and that it resumes when killed."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.common.name_seeds import name_keys
from workflow.lib.network.encoder import load_encoder, load_head
from workflow.lib.network.views import apply_views, draw_views
from workflow.lib.pretrain.dirichlet import best_constant, mean_loss
from workflow.lib.pretrain.train_on_votes import pretrain
from workflow.lib.pretrain.votes import (
    held_out_names,
    question_slices,
    read_votes,
    split_names,
)

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
QUESTIONS = {"bar": ["yes", "no"], "bulge": ["big", "small"]}
SETTINGS = {
    "survey": "sky",
    "galaxies": "galaxies of sky",
    "questions": QUESTIONS,
    "first_question": {"bar": QUESTIONS["bar"]},
    "min_votes": 3,
    "concentrations": [1, 101],
    "crop_size": 32,
    "split": {"seed": 1, "validation_share": 0.2, "test_share": 0.2},
    "recipe": {
        "epochs": 4,
        "patience": 4,
        "batch_size": 16,
        "learning_rate": 1e-3,
        "warmup": 1,
        "cosine": True,
        "head_rate": 0.5,
        "dropout": 0.2,
        "drop_connect": 0.2,
        "zero_init_residual": False,
        "clip_norm": None,
        "contrast": 0.2,
        "brightness": 0.1,
        "momentum": 0.9,
        "precision": "mixed_float16",
    },
    "seed": 1,
}
RUN = """
import json, logging, sys
from workflow.lib.network.devices import use_threads
from workflow.lib.pretrain.train_on_votes import pretrain
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
use_threads(1)
inputs, folder = sys.argv[1:3]
pretrain(
    f"{inputs}/catalogue.parquet", f"{inputs}/images.npy", f"{inputs}/images.csv",
    weights=f"{folder}/encoder.weights.h5", head=f"{folder}/head.npz",
    curve=f"{folder}/curve.csv", **json.loads(sys.argv[3]),
)
"""


def pretrain_in(folder, inputs, settings):
    """Pretrain on the galaxies in `inputs`; write the results to `folder`."""
    pretrain(
        inputs / "catalogue.parquet",
        inputs / "images.npy",
        inputs / "images.csv",
        weights=folder / "encoder.weights.h5",
        head=folder / "head.npz",
        curve=folder / "curve.csv",
        **settings,
    )


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Galaxies of which half are bright, and have bars for it; a tenth has no votes."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    names = [f"J{number:04d}" for number in range(160)]
    barred = np.arange(160) % 2 == 1
    images = rng.integers(0, 60, (160, 40, 40, 1), np.uint8)
    images[barred] += 120
    np.save(folder / "images.npy", images)
    pd.DataFrame({"iauname": names}).to_csv(folder / "images.csv", index=False)
    votes = {
        "iauname": names,
        "bar_yes": np.where(barred, 18.0, 1.0),
        "bar_no": np.where(barred, 2.0, 19.0),
        "bulge_big": rng.integers(0, 3, 160).astype(float),
        "bulge_small": 0.0,
    }
    table = pd.DataFrame(votes)
    table.loc[::10, table.columns[1:]] = np.nan
    table.to_parquet(folder / "catalogue.parquet")
    return folder


def command(inputs, folder):
    return [sys.executable, "-c", RUN, str(inputs), str(folder), json.dumps(SETTINGS)]


@pytest.fixture(scope="module")
def whole(inputs, tmp_path_factory):
    """A pretraining that was not interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    subprocess.run(command(inputs, folder), cwd=ROOT, check=True, capture_output=True)
    return folder


def lowest(folder):
    return pd.read_csv(folder / "curve.csv")["validation_loss"].min()


def test_it_writes_encoder_head_and_curve_and_leaves_nothing_else(whole):
    assert sorted(path.name for path in whole.iterdir()) == [
        "curve.csv",
        "encoder.json",
        "encoder.weights.h5",
        "head.npz",
    ]
    encoder, description = load_encoder(whole / "encoder.weights.h5", 32)
    assert description["training"]["survey"] == "sky"
    assert description["training"]["questions"] == ["bar", "bulge"]
    learned = description["training"]["galaxies"]
    assert 60 < learned < 110
    label = f"encoder trained on the votes for {learned} galaxies of sky"
    assert description["label"] == label
    head = load_head(whole / "head.npz")
    assert head.questions == QUESTIONS
    vectors = encoder.predict_on_batch(np.zeros((2, 32, 32, 1), np.float32))
    concentrations = head.concentrations(vectors)
    assert concentrations.shape == (2, 4)
    assert ((concentrations > 1) & (concentrations < 101)).all()


def test_encoder_and_head_are_those_of_the_best_epoch(inputs, whole):
    names = pd.read_csv(inputs / "images.csv")["iauname"]
    _, counts = read_votes(inputs / "catalogue.parquet", QUESTIONS)
    sets = split_names(names.tolist(), **SETTINGS["split"])
    rows = np.flatnonzero((sets == "validation") & counts.any(axis=1))
    views = draw_views(name_keys(names[rows].tolist()), SETTINGS["seed"], 0, 40, 32)
    seen = np.asarray(apply_views(np.load(inputs / "images.npy")[rows], views, 32))
    encoder, _ = load_encoder(whole / "encoder.weights.h5", 32)
    concentrations = load_head(whole / "head.npz").concentrations(encoder.predict_on_batch(seen))
    loss = sum(
        mean_loss(counts[rows][:, place], concentrations[:, place])
        for place in question_slices(QUESTIONS).values()
    )
    assert loss == pytest.approx(lowest(whole), rel=1e-4)


def test_it_learns(whole):
    curve = pd.read_csv(whole / "curve.csv")
    assert curve["epoch"].tolist() == [1, 2, 3, 4]
    assert curve["loss"].iloc[-1] < 0.97 * curve["loss"].iloc[0]


@pytest.mark.parametrize("low", [0.05, 1])
def test_it_starts_from_the_best_constant_within_the_limits(inputs, tmp_path, low):
    still = SETTINGS["recipe"] | {"epochs": 1, "learning_rate": 0.0}
    changed = {"concentrations": [low, 101], "recipe": still}
    pretrain_in(tmp_path, inputs, SETTINGS | changed)
    names, counts = read_votes(inputs / "catalogue.parquet", QUESTIONS)
    counts = counts[(split_names(names, **SETTINGS["split"]) == "train") & counts.any(axis=1)]
    votes = [counts[:, place] for place in question_slices(QUESTIONS).values()]
    best = np.concatenate([best_constant(v[v.any(axis=1)]) for v in votes])
    assert (best[:2] < 2).all()
    found = load_head(tmp_path / "head.npz").concentrations(np.zeros((1, 1280), np.float32))[0]
    np.testing.assert_allclose(found[:2], np.maximum(best[:2], 2 * low), rtol=1e-3)


def test_when_killed_it_resumes_and_ends_with_the_same_result(inputs, whole, tmp_path):
    job = subprocess.Popen(
        command(inputs, tmp_path), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    for line in job.stdout:
        if line.startswith(b"epoch 2:"):
            job.send_signal(signal.SIGKILL)
            break
    job.wait()
    assert not (tmp_path / "encoder.weights.h5").exists()
    again = subprocess.run(
        command(inputs, tmp_path), cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert "resumed after epoch" in again.stdout
    assert "epoch 1:" not in again.stdout
    assert lowest(tmp_path) == pytest.approx(lowest(whole), rel=1e-3)
    assert not list(tmp_path.glob("*.training-*"))


def test_a_final_one_learns_from_all_labelled_galaxies_up_to_the_best_epoch(inputs, tmp_path):
    losses = {"epoch": [1, 2, 3], "validation_loss": [3.0, 1.0, 2.0]}
    pd.DataFrame(losses).to_csv(tmp_path / "followed.csv", index=False)
    pretrain_in(tmp_path, inputs, SETTINGS | {"follows": tmp_path / "followed.csv"})
    curve = pd.read_csv(tmp_path / "curve.csv")
    assert curve["epoch"].tolist() == [1, 2]
    assert curve["loss"].notna().all() and curve["validation_loss"].isna().all()
    _, description = load_encoder(tmp_path / "encoder.weights.h5", 32)
    _, counts = read_votes(inputs / "catalogue.parquet", QUESTIONS)
    assert description["training"]["galaxies"] == counts.any(axis=1).sum() == 144
    assert not held_out_names(["J0000", "J0001"], "sky", description["training"]).any()


def test_too_few_galaxies_are_refused_with_their_numbers(inputs, tmp_path):
    settings = {**SETTINGS, "recipe": {**SETTINGS["recipe"], "batch_size": 500}}
    with pytest.raises(UserError, match=r"too few for pretraining\.recipe\.batch_size 500"):
        pretrain_in(tmp_path, inputs, settings)


@pytest.mark.parametrize(("min_votes", "left"), [(3, 90), (20, 90), (21, 0)])
def test_galaxies_with_too_few_votes_on_the_first_question_are_not_learned_from(
    inputs, tmp_path, min_votes, left
):
    """All have 20 votes or none; the batch is so large that training is refused."""
    settings = {**SETTINGS, "recipe": {**SETTINGS["recipe"], "batch_size": 500}}
    with pytest.raises(UserError) as caught:
        pretrain_in(tmp_path, inputs, settings | {"min_votes": min_votes})
    count = int(str(caught.value).split(": ")[1].split()[0])
    assert count == pytest.approx(left, abs=20)


def test_images_replaced_under_the_same_names_are_not_resumed_from(inputs, tmp_path, monkeypatch):
    class Stopped(Exception):
        pass

    def stop(*_, state, **__):
        raise Stopped(state)

    def state_of(folder):
        with pytest.raises(Stopped) as caught:
            pretrain_in(tmp_path, folder, SETTINGS)
        return caught.value.args[0]

    monkeypatch.setattr("workflow.lib.pretrain.training.train", stop)
    other = shutil.copytree(inputs, tmp_path / "other")
    first = state_of(inputs)
    assert state_of(other) == first
    images = np.load(other / "images.npy")
    images[3, 5, 5] += 1
    np.save(other / "images.npy", images)
    assert state_of(other) != first
