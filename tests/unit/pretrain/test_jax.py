"""Pretraining and embedding with JAX as Keras's backend; all other tests use TensorFlow."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd

from tests.unit.pretrain.test_train_on_votes import ROOT, RUN, SETTINGS, inputs  # noqa: F401
from workflow.lib.network.encoder import load_encoder, read_description
from workflow.lib.network.forward import represent_batch

NAMES = ["J0001", "J0002", "J0003"]
EMBED = """
import numpy as np
from workflow.lib.network.encoder import load_encoder
from workflow.lib.network.forward import represent_batch
encoder, _ = load_encoder(f"{folder}/encoder.weights.h5", 32)
images = np.load(f"{inputs}/images.npy")[:4]
names = json.loads(sys.argv[4])
np.save(f"{folder}/vectors.npy", represent_batch(encoder, images, names, 1, 2))
"""


def test_jax_trains_and_gives_the_same_representations_as_tensorflow(inputs, tmp_path, with_jax):  # noqa: F811
    settings = {**SETTINGS, "recipe": {**SETTINGS["recipe"], "epochs": 1}}
    arguments = [str(inputs), str(tmp_path), json.dumps(settings), json.dumps(NAMES)]
    subprocess.run(
        [sys.executable, "-c", RUN + EMBED, *arguments],
        cwd=ROOT,
        env=with_jax,
        check=True,
        capture_output=True,
    )
    weights = tmp_path / "encoder.weights.h5"
    assert read_description(weights)["versions"]["backend"] == "jax"
    assert np.isfinite(pd.read_csv(tmp_path / "curve.csv")["validation_loss"]).all()
    encoder, _ = load_encoder(weights, 32)
    images = np.load(inputs / "images.npy")[:4]
    expected = represent_batch(encoder, images, NAMES, 1, 2)
    found = np.load(tmp_path / "vectors.npy")
    assert found.shape == (3, 1280)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
