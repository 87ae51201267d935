"""Cutouts of seven galaxies and an encoder with random weights, for tests of forward passes."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.own_images import CUTOUTS, open_images
from workflow.lib.cutouts.shards import make_shard
from workflow.lib.network.encoder import random_encoder, save_encoder
from workflow.lib.planning.grid import shard_names

GALAXIES = [f"J{number:04d}" for number in range(7)]
SIZE = 64


@pytest.fixture(scope="session")
def cutouts(tmp_path_factory):
    """Make cutout shards of the same galaxies, in one shard and in three."""
    folder = tmp_path_factory.mktemp("cutouts")
    (folder / "images").mkdir()
    rng = np.random.default_rng(1)
    row, column = np.mgrid[:96, :96] - 47.5
    for number, name in enumerate(GALAXIES):
        light = 200 * np.exp(-np.hypot(row / (1 + number / 2), column) / 12)
        picture = np.clip(light[..., None] + rng.normal(20, 6, (96, 96, 3)), 0, 255)
        Image.fromarray(picture.astype(np.uint8)).save(folder / "images" / f"{name}.jpg")
    shards = {}
    for count, edges in {1: [0, 7], 3: [0, 2, 4, 7]}.items():
        for number, name in enumerate(shard_names(count)):
            listed = folder / f"{name}.csv"
            rows = GALAXIES[edges[number] : edges[number + 1]]
            pd.DataFrame({"iauname": rows}).to_csv(listed, index=False)
            make_shard(
                listed,
                open_images(folder / "images", listed),
                folder / f"{name}.parquet",
                folder / f"{name}.failed.csv",
                **CUTOUTS,
                thumbnail_size=96,
                network_size=80,
                network_field=0.75,
                max_failed_share=0.0,
                chunk=3,
            )
        shards[count] = [folder / f"{name}.parquet" for name in shard_names(count)]
    return shards


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Write the weights of a randomly initialised encoder."""
    path = tmp_path_factory.mktemp("random") / "encoder.weights.h5"
    save_encoder(random_encoder(SIZE, seed=1), path, label="", training=None, seed=1)
    return path


def assert_same(ours, theirs):
    """Compare on the scale on which galaxies differ: random weights give tiny values."""
    assert np.abs(ours - theirs).max() < 1e-3 * theirs.std(axis=0).max()
