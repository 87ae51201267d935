"""The files of a kept classifier."""

import numpy as np
import pandas as pd
import pytest

from workflow.lib.finetune.classifier_files import read_classifier
from workflow.lib.finetune.predict import probabilities
from workflow.lib.network.encoder import load_encoder

pytestmark = pytest.mark.thorough


def test_the_kept_classifier_is_the_one_that_was_scored(folder, kept):
    files, _ = kept
    encoder, description = load_encoder(files.weights, 32)
    assert description["training"]["task"] == "bright"
    split = pd.read_csv(files.split).set_index("iauname")["set"]
    assert (split == "test").sum() == 8
    images = np.load(folder / "images.npy")[:, 4:36, 4:36].astype(np.float32)
    vectors = encoder.predict(images, verbose=0)
    found = probabilities(read_classifier(files.head), vectors) > 0.5
    assert (found == (np.arange(60) % 3 == 0)).mean() > 0.8
