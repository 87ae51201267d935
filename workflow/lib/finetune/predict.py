"""Predictions of a kept classifier for every galaxy of a survey (paper Sec. 4)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from workflow.lib.common.tables import read_table, write_parquet
from workflow.lib.finetune.classifier_files import Kept, read_classifier
from workflow.lib.network.encoder import load_encoder
from workflow.lib.network.forward import answer_all

UNSEEN = "unseen"
"""The set of galaxies that were in none: not trained on, validated on or tested on."""


def probabilities(layers: Sequence[np.ndarray], vectors: np.ndarray) -> np.ndarray:
    """Give the probability of the label for each representation.

    Parameters
    ----------
    layers
        Kernel and bias of each dense layer, by `read_classifier`.
    vectors
        Shape (n, 1280).

    Returns
    -------
    numpy.ndarray
        Shape (n,), float32.
    """
    for kernel, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        vectors = np.maximum(vectors @ kernel + bias, 0)
    return expit(vectors @ layers[-2] + layers[-1])[:, 0].astype(np.float32)


def predict_labels(
    shards: Sequence[str | Path],
    classifier: Kept,
    predictions: str | Path,
    *,
    same_survey: bool,
    crop_size: int,
    batch_size: int,
    seed: int,
    views: int,
) -> None:
    """Write the probability that each galaxy of a survey has the label.

    Parameters
    ----------
    shards
        The survey's cutout shards.
    classifier
        Files by `classifier_files.keep_classifier`.
    predictions
        Parquet to write: iauname, probability (float32), and set (train, validation, test or
        unseen).
    same_survey
        Whether the classifier was trained on this survey.
    crop_size, batch_size, seed, views
        As for `embed.embed_shard`.
    """
    encoder, _ = load_encoder(classifier.weights, crop_size)
    layers = read_classifier(classifier.head)
    names, found = answer_all(
        partial(probabilities, layers), encoder, shards,
        batch_size=batch_size, seed=seed, views=views, origin=classifier.weights,
    )  # fmt: skip
    members = read_table(classifier.split, text=["iauname"]).set_index("iauname")["set"].to_dict()
    table = {
        "iauname": names,
        "probability": found,
        "set": [members.get(name, UNSEEN) if same_survey else UNSEEN for name in names],
    }
    write_parquet(pd.DataFrame(table), predictions)
