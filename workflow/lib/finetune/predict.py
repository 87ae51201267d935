"""A fine-tuned classifier: kept, and applied to every galaxy of a survey (paper Sec. 4)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit

from workflow.lib.common.tables import read_table, write_parquet
from workflow.lib.network.encoder import load_encoder

if TYPE_CHECKING:
    pass
from workflow.lib.finetune.classifier_files import Kept, read_classifier

UNSEEN = "unseen"
"""In the place of a set: galaxies that were neither trained on, nor chosen or scored by."""


def probabilities(layers: Sequence[np.ndarray], vectors: np.ndarray) -> np.ndarray:
    """Give the probability of the label, shape (n,), for representations (n, 1280)."""
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
        By `keep_classifier`.
    predictions
        Parquet to write: iauname, probability (float32), and set: train, validation, test, or
        unseen.
    same_survey
        Whether it is the survey that the classifier was trained on.
    crop_size, batch_size, seed, views
        As for `embed.embed_shard`.
    """
    from workflow.lib.network.forward import answer_all

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
