"""Made-up galaxies, networks and runs that several tests of fine-tuning share."""

import json

import keras
import numpy as np
import pandas as pd
import pytest

from workflow.lib.finetune.backend import on_device
from workflow.lib.finetune.classifier import (
    Classifier,
    build_classifier_head,
    cut,
    look,
    mark_trainable,
)
from workflow.lib.finetune.classifier_files import Kept
from workflow.lib.finetune.compiled_epochs import (
    EpochLoop,
    batch_examples,
    plan_epoch,
    stack_epochs,
)
from workflow.lib.finetune.run import SeededRun, finetune
from workflow.lib.network.encoder import random_encoder, save_encoder
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
    """Fit batch normalisation to its inputs, so that random weights tell images apart."""
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
    return encoder, lower, upper, build_classifier_head(1280, [8], 0.0, seed=1)


def loop_of(lower, upper, head):
    model = Classifier(upper, head, scratch=False)
    model.build(upper.input_shape)

    def see(images, rows, *views):
        return lower(look(images, rows, *views, crop=CROP), training=False)

    return EpochLoop(model, see, upper.input_shape[1:])


def examples_of(loop):
    features = loop.features(on_device(IMAGES), HELD.astype(np.int32), *views(HELD, 0))
    return batch_examples(features, LABELS[HELD], 4)


# Runs

RECIPE = {"images_seen": 160, "patience": {"part": 6, "least": 3, "most": 5}, "keep": "best"}
SETTINGS = {
    "crop_size": 32,
    "split": {"validation_share": 0.2, "test_share": 0.2, "copies": 2},
    "head": {"units": [8], "dropout": 0.25, "standardise": False},
    "batch_size": 8,
    "stages": {
        "frozen": {**RECIPE, "learning_rate": 1e-2},
        "finetuned": {**RECIPE, "learning_rate": 1e-3},
        "scratch": {**RECIPE, "learning_rate": 1e-3},
    },
    "frozen_views": None,
    "test_passes": 2,
    "momentum": 0.9,
    "precision": "mixed_bfloat16",
}
SIZES = [3, 20]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Images and labels, where bright galaxies have the label and dark ones do not; an encoder."""
    folder = tmp_path_factory.mktemp("finetune")
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3 == 0
    images = rng.integers(0, 60, (60, 40, 40, 1)) + 120 * labels[:, None, None, None]
    np.save(folder / "images.npy", images.astype(np.uint8))
    names = [f"J{number}" for number in range(60)]
    table = pd.DataFrame({"iauname": names, "label": labels.astype(int)})
    table.to_csv(folder / "labels.csv", index=False)
    encoder = random_encoder(32, seed=1)
    # Otherwise its outputs would be nearly 0 for every image.
    encoder.get_layer("top_bn").gamma.assign(1e5 * np.ones(1280))
    save_encoder(encoder, folder / "grey/encoder.weights.h5", label="", training=None, seed=1)
    return folder


def run_in(folder, sizes, where, keep=None, weights="grey", **changed):
    runs = [SeededRun(size, 0, 10 + size, folder / where / f"n{size}_r0.json") for size in sizes]
    finetune(
        runs,
        folder / "images.npy",
        folder / "labels.csv",
        weights and folder / weights / "encoder.weights.h5",
        task="bright",
        survey="sky",
        pretraining=weights or "scratch",
        depth="top",
        settings={**SETTINGS, **changed},
        keep=keep,
    )
    return [json.loads(run.metrics.read_text()) for run in runs]


def timeless(result):
    """Give a result without the times that it took."""
    models = [{**model, "seconds": 0} for model in result["models"]]
    return {**result, "models": models, "seconds": 0}


@pytest.fixture(scope="session")
def results(folder):
    return run_in(folder, SIZES, "whole")


@pytest.fixture(scope="session")
def kept(folder):
    """Files of the classifier of the run of 20 galaxies, and the run's result."""
    files = Kept(*(folder / "kept" / name for name in ("encoder.weights.h5", "c.npz", "split.csv")))
    (result,) = run_in(folder, [20], "alone", keep=files)
    return files, result
