"""Embedding: a galaxy's representation depends on its image, name and seed, and on nothing else."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from PIL import Image

from tests.own_images import COLOUR
from tests.unit.conftest import GALAXIES, SIZE, assert_same
from workflow.lib.common.errors import UserError
from workflow.lib.common.images import thumbnail_of
from workflow.lib.network.encoder import load_encoder, random_encoder, save_encoder
from workflow.lib.represent.embed import embed_shard, represent_thumbnail
from workflow.lib.represent.pca import Compressor
from workflow.lib.represent.vector_files import gather_shards, read_representation

pytestmark = pytest.mark.thorough


def embed(shards, weights, folder, batch_size=4, seed=1, views=1):
    made = []
    for shard in shards:
        made.append(folder / f"{batch_size}-{seed}-{views}-{shard.name}")
        embed_shard(
            shard, weights, made[-1],
            crop_size=SIZE, batch_size=batch_size, seed=seed, views=views,
        )  # fmt: skip
    gather_shards(made, folder / "representation.parquet")
    return read_representation(folder / "representation.parquet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def whole(cutouts, weights, folder):
    return embed(cutouts[1], weights, folder)


def test_every_galaxy_has_1280_values_in_catalogue_order(whole):
    names, vectors = whole
    assert names == GALAXIES
    assert vectors.shape == (7, 1280)
    assert vectors.dtype == np.float32
    assert len(np.unique(vectors, axis=0)) == 7


def test_representations_do_not_depend_on_the_shards(whole, cutouts, weights, tmp_path):
    names, vectors = embed(cutouts[3], weights, tmp_path)
    assert names == whole[0]
    assert_same(vectors, whole[1])


def test_the_same_input_gives_the_same_bytes(whole, cutouts, weights, folder, tmp_path):
    embed(cutouts[1], weights, tmp_path)
    first, second = (path / "representation.parquet" for path in (folder, tmp_path))
    assert first.read_bytes() == second.read_bytes()


def test_weights_that_give_no_finite_values_are_refused(cutouts, tmp_path):
    encoder = random_encoder(SIZE, seed=1)
    layer = encoder.get_layer("top_conv")
    layer.set_weights([np.full_like(array, np.nan) for array in layer.get_weights()])
    save_encoder(encoder, tmp_path / "encoder.weights.h5", label="", training=None, seed=1)
    with pytest.raises(UserError, match="no finite representation of galaxy J0000"):
        embed(cutouts[1], tmp_path / "encoder.weights.h5", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "encoder.json",
        "encoder.weights.h5",
    ]


def test_a_shard_without_images_has_no_representations(cutouts, weights, tmp_path):
    whole = pq.read_table(cutouts[1][0])
    pq.write_table(pa.table(whole.slice(0, 0)), tmp_path / "0-of-1.parquet")
    assert embed([tmp_path / "0-of-1.parquet"], weights, tmp_path)[0] == []


@pytest.fixture(scope="module")
def represent(weights):
    encoder, _ = load_encoder(weights, SIZE)

    def run(data, name, compressor=None, views=1):
        rgb, _ = thumbnail_of(data, name, thumbnail_size=96, colour=COLOUR, max_missing_share=0.2)
        return represent_thumbnail(
            rgb, name, encoder, compressor,
            network_size=80, network_field=0.75, seed=1, views=views,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("views", [1, 3])
def test_an_image_file_has_the_representation_of_the_same_galaxy_in_a_survey(
    cutouts, weights, represent, views, tmp_path
):
    jpeg = (cutouts[1][0].parent / "images" / "J0003.jpg").read_bytes()
    _, expected = embed(cutouts[1], weights, tmp_path, views=views)
    vectors = expected.copy()
    vectors[3] = represent(jpeg, "J0003", views=views)
    assert_same(vectors, expected)


def test_an_image_is_compressed_with_the_fitted_components(whole, cutouts, represent):
    jpeg = (cutouts[1][0].parent / "images" / "J0003.jpg").read_bytes()
    mean = whole[1].mean(axis=0)
    components = np.linalg.svd(whole[1] - mean, full_matrices=False)[2][:2].astype(float)
    short = represent(jpeg, "J0003", Compressor(mean, components))
    assert (short.shape, short.dtype) == ((2,), np.float32)
    np.testing.assert_allclose(short, components @ (whole[1][3] - mean), rtol=1e-2)


def test_png_and_fits_are_represented_too(represent, tmp_path):
    rng = np.random.default_rng(5)
    Image.fromarray(rng.integers(0, 255, (90, 120, 3), np.uint8)).save(tmp_path / "a.png")
    fits.writeto(tmp_path / "a.fits", rng.normal(0.02, 0.01, (3, 60, 60)).astype(np.float32))
    first, second = (represent((tmp_path / name).read_bytes(), "a") for name in ("a.png", "a.fits"))
    assert first.shape == second.shape == (1280,)
    assert np.isfinite(first).all() and np.isfinite(second).all()
    assert not np.array_equal(first, second)
