"""The head with the settings of the toy and of a label of your own: it learns from few galaxies."""

from functools import cache

import numpy as np
import pytest
import yaml
from keras import ops
from sklearn.linear_model import LogisticRegression

from tests.conftest import ROOT
from tests.unit.finetune.conftest import RECIPE, SETTINGS, run_in
from workflow.lib.finetune.backend import on_device
from workflow.lib.finetune.classifier import build_classifier_head, dense_weights
from workflow.lib.finetune.compiled_training import CompiledTraining, Epoch, Schedule
from workflow.lib.finetune.network import Stage
from workflow.lib.finetune.predict import probabilities

LATENT, HELD, TESTED = 12, 20, 1000
BASE = yaml.safe_load((ROOT / "config/config.yaml").read_text())["finetune"]


def settings_of(name):
    """Give head, batch size and frozen stage of the paper's configuration or of one over it."""
    over = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())["finetune"]
    stage = {**BASE["stages"]["frozen"], **over["stages"]["frozen"]}
    stage["patience"] = BASE["stages"]["frozen"]["patience"] | stage["patience"]
    return {**BASE["head"], **over.get("head", {})}, over["batch_size"], Stage(**stage)


def galaxies(count, seed):
    """Give small positive values that few properties decide, and labels that follow from those."""
    shape = np.random.default_rng(0)
    mixing = shape.normal(size=(LATENT, 1280)) * shape.lognormal(0, 0.5, 1280)
    direction = shape.normal(size=LATENT) / LATENT**0.5
    rng = np.random.default_rng(seed)
    properties = rng.normal(size=(count, LATENT))
    values = properties @ mixing / 2 + rng.normal(size=(count, 1280))
    labels = properties @ direction + rng.normal(0, 0.4, count) > 0
    return (0.02 * np.logaddexp(0, values)).astype(np.float32), labels


@cache
def accuracy_of_regression(size, seed):
    """Score logistic regression, with a penalty that suits these galaxies."""
    vectors, labels = galaxies(size, seed)
    mean = vectors.mean(axis=0)
    scale = np.linalg.norm(vectors - mean, axis=1).mean()
    model = LogisticRegression(C=30, max_iter=300).fit((vectors - mean) / scale, labels)
    test = galaxies(TESTED, 1)
    return model.score((test[0] - mean) / scale, test[1])


@pytest.fixture(scope="module", params=["toy", "label"])
def trained(request):
    """Give a function that trains one head of a configuration again and again."""
    options, batch_size, stage = settings_of(request.param)
    head = build_classifier_head(1280, seed=0, **options)
    training = CompiledTraining(
        head, lambda vectors, rows: ops.take(vectors, rows, axis=0), (1280,), batch_size
    )

    def train(vectors, labels, seed, folder):
        head.set_weights(build_classifier_head(1280, seed=seed, **options).get_weights())
        head.layers[0].fit(vectors)
        data, size = on_device(vectors), len(labels)
        held, truth = galaxies(HELD, 100 + seed)
        schedule = Schedule(
            stage.learning_rate, stage.epochs(size), stage.patient(size), stage.keep, 4096 // size
        )
        training.fit(
            lambda epochs: (data, [Epoch(np.arange(size), ()) for _ in epochs]),
            labels, (on_device(held), truth), schedule, seed=seed, saved=folder / "none.npz",
        )  # fmt: skip
        return head

    return train


@pytest.mark.thorough
@pytest.mark.parametrize("size", [20, 80, 384])
def test_a_frozen_head_is_as_good_as_logistic_regression(trained, size, tmp_path):
    test = galaxies(TESTED, 1)
    found, expected = [], []
    for seed in (2, 3):
        train = galaxies(size, seed)
        head = trained(*train, seed, tmp_path)
        answers = probabilities(dense_weights(head), test[0]) > 0.5
        found.append((answers == test[1]).mean())
        expected.append(accuracy_of_regression(size, seed))
    assert np.mean(found) > np.mean(expected) - 0.03


def test_the_kept_layers_give_the_logits_of_the_head():
    vectors, _ = galaxies(50, 1)
    head = build_classifier_head(1280, [16, 8], 0.5, seed=1, standardise=True)
    plain = probabilities(dense_weights(head), vectors)
    head.layers[0].fit(vectors)
    standardised = np.asarray(head.layers[0](vectors))
    np.testing.assert_allclose(standardised.mean(axis=0), 0, atol=1e-3)
    assert standardised.var(axis=0).mean() == pytest.approx(1, rel=1e-3)
    found = probabilities(dense_weights(head), vectors)
    expected = 1 / (1 + np.exp(-np.asarray(head(vectors))[:, 0]))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert abs(found - plain).max() > 0.1


@pytest.mark.thorough
def test_finetuning_after_it_does_not_diverge(folder):
    """The encoder has random weights, so that all it learns it learns here."""
    stages = {
        **SETTINGS["stages"],
        "frozen": {**RECIPE, "learning_rate": 1e-3, "images_seen": 2000, "keep": "last"},
        "finetuned": {**RECIPE, "learning_rate": 1e-4, "keep": "last"},
    }
    head = {**SETTINGS["head"], "standardise": True}
    (result,) = run_in(folder, [20], "standardised", head=head, stages=stages)
    frozen, finetuned = result["models"]
    assert frozen["best_epoch"] == frozen["epochs"]
    assert frozen["accuracy"] > 0.8
    assert finetuned["loss"] < frozen["loss"] + 0.1
    assert finetuned["accuracy"] > 0.8
