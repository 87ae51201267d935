"""Batches of equal size, and fine-tuning with JAX instead of TensorFlow."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.unit.finetune.conftest import SETTINGS, run_in
from workflow.lib.finetune import network
from workflow.lib.finetune.backend import run_batched
from workflow.lib.finetune.classifier import build_classifier_head

WITH_JAX = """
import sys
from pathlib import Path
from tests.unit.finetune.test_backend import finetune_from_numpy
finetune_from_numpy(Path(sys.argv[1]), "jax")
"""


@pytest.mark.parametrize("count", [1, 7, 8, 9])
def test_results_of_batches_are_joined_without_the_fill(count):
    numbers = np.arange(count, dtype=np.float32)
    np.testing.assert_array_equal(run_batched(lambda values: values * 2, [numbers], 4), 2 * numbers)


def finetune_from_numpy(folder, where, **changed):
    """Fine-tune without dropout from a head of NumPy's numbers: backends draw others."""

    def head(inputs, units, dropout, standardise, seed):
        built = build_classifier_head(inputs, units, dropout, seed)
        rng = np.random.default_rng(seed)
        built.set_weights([rng.normal(0, 0.05, one.shape) for one in built.get_weights()])
        return built

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "build_classifier_head", head)
        return run_in(folder, [20], where, head={**SETTINGS["head"], "dropout": 0.0}, **changed)


@pytest.fixture(scope="module")
def expected(folder):
    (result,) = finetune_from_numpy(folder, "tensorflow")
    return result


def losses(result):
    names = ("training_loss", "validation_loss", "loss")
    return [model[name] for model in result["models"] for name in names]


@pytest.mark.thorough
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-3), ("mixed_bfloat16", 0.05)])
def test_what_is_only_done_on_gpus_gives_the_same_losses(
    folder, expected, precision, tolerance, monkeypatch
):
    """XLA and half precision, on a CPU."""
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: ["cpu:0"])
    (found,) = finetune_from_numpy(folder, f"xla-{precision}", precision=precision)
    assert losses(found) == pytest.approx(losses(expected), rel=tolerance)


def test_jax_gives_the_losses_of_tensorflow(folder, expected, with_jax):
    subprocess.run([sys.executable, "-c", WITH_JAX, folder], cwd=ROOT, env=with_jax, check=True)
    found = json.loads((folder / "jax/n20_r0.json").read_text())
    assert found["versions"]["backend"] == "jax"
    assert losses(found) == pytest.approx(losses(expected), rel=1e-4)
