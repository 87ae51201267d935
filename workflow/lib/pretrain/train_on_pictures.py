"""Pretraining on procedural pictures, as a stand-in for ImageNet."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.common.files import write_text
from workflow.lib.common.name_seeds import name_keys
from workflow.lib.network.encoder import random_encoder, save_encoder
from workflow.lib.network.unfinished import remove_unfinished, unfinished_folder

log = logging.getLogger(__name__)


def pretrain_stand_in(
    *,
    pictures: int,
    network_size: int,
    crop_size: int,
    processes: int,
    recipe: Mapping[str, Any],
    seed: int,
    weights: str | Path,
    curve: str | Path,
) -> None:
    """Train EfficientNetB0 to classify procedural pictures, as a stand-in for ImageNet.

    Parameters
    ----------
    pictures
        Number of pictures; a tenth of them is for validation.
    network_size, crop_size
        Sides of a picture and of the network's view of it [pixel].
    processes
        Number of processes that draw the pictures.
    recipe, seed, weights, curve
        As for `train_on_votes.pretrain`; the seed also determines the pictures.
    """
    from workflow.lib.pretrain.stand_in_pictures import CLASSES, draw_pictures
    from workflow.lib.pretrain.training import (
        Batches,
        Recipe,
        all_gpus,
        build_pretraining_head,
        build_trainee,
        train,
    )

    how = Recipe(**recipe)
    images, labels = draw_pictures(pictures, seed, network_size, processes)
    log.info("%d pictures of %d classes", len(images), len(CLASSES))
    keys = name_keys([f"picture {number}" for number in range(pictures)])
    # Pictures cycle through the classes: the first tenth alone might not have all of them.
    order = np.random.default_rng(seed).permutation(pictures)
    training, validation = (
        Batches(
            images, labels, keys, rows,
            crop=crop_size, recipe=how, seed=seed, train=learned,
        )
        for rows, learned in ((order[pictures // 10 :], True), (order[: pictures // 10], False))
    )  # fmt: skip
    with all_gpus(how):
        encoder = random_encoder(crop_size, seed, channels=3)
        last = build_pretraining_head(encoder.output_shape[-1], len(CLASSES), "softmax", how)
        loss = "sparse_categorical_crossentropy"
        model = build_trainee(encoder, last, network_size, loss, how)
    state = unfinished_folder(
        weights,
        [pictures, network_size, crop_size, dict(recipe), seed],
        [],
        "pretrain.train_on_pictures",
    )
    rows = train(model, training, validation, recipe=how, seed=seed, state=state / "training.npz")
    write_text(pd.DataFrame(rows).to_csv(index=False), curve)
    save_encoder(
        encoder,
        weights,
        label=f"a stand-in for ImageNet: weights trained on {pictures:,} procedural pictures of "
        f"{len(CLASSES)} classes",
        training={"pictures": pictures, "classes": len(CLASSES)},
        seed=seed,
    )
    remove_unfinished(weights)
