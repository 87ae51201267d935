"""Forward passes: averaged over views, and independent of the padding of a batch."""

import numpy as np
import pytest

from tests.unit.conftest import GALAXIES, SIZE, assert_same
from workflow.lib.common.name_seeds import name_keys
from workflow.lib.cutouts.shards import iter_images
from workflow.lib.network.encoder import load_encoder
from workflow.lib.network.forward import answer_all, iter_vectors
from workflow.lib.network.views import apply_views, draw_views


@pytest.fixture(scope="module")
def encoder(weights):
    return load_encoder(weights, SIZE)[0]


def embed(encoder, shards, batch_size=4, seed=1, views=1):
    parts = [
        vectors
        for shard in shards
        for _, vectors in iter_vectors(
            encoder, shard, batch_size=batch_size, seed=seed, views=views, origin="weights"
        )
    ]
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def whole(cutouts, encoder):
    return embed(encoder, cutouts[1])


def test_the_padding_of_a_batch_has_no_influence(whole, cutouts, encoder):
    assert_same(embed(encoder, cutouts[1], batch_size=16), whole)


def test_another_seed_gives_another_view_and_representation(whole, cutouts, encoder):
    vectors = embed(encoder, cutouts[1], seed=2)
    assert np.abs(vectors - whole).max() > 0.1 * whole.std(axis=0).max()


@pytest.mark.parametrize("count", [1, 3])
def test_a_representation_is_the_mean_over_the_random_views(cutouts, encoder, count):
    names, images = next(iter_images(cutouts[1][0], 7))
    keys = name_keys(names)
    seen = [
        encoder(apply_views(images, draw_views(keys, 1, number, 80, SIZE), SIZE), training=False)
        for number in range(count)
    ]
    vectors = embed(encoder, cutouts[1], views=count)
    assert_same(vectors, np.mean(seen, axis=0))
    differs = np.abs(vectors - seen[0]).max() > 0.1 * vectors.std(axis=0).max()
    assert differs == (count > 1)


def test_answers_are_in_the_order_of_the_shards(whole, cutouts, encoder):
    names, answers = answer_all(
        lambda vectors: 2 * vectors, encoder, cutouts[3],
        batch_size=4, seed=1, views=1, origin="weights",
    )  # fmt: skip
    assert names == GALAXIES
    assert_same(answers, 2 * whole)
