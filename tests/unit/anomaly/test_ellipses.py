"""Nested ellipses of galaxies of known shape, and of images without a galaxy."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from workflow.lib.anomaly.ellipses import MEASURES, ellipse_features, measure_shard
from workflow.lib.common.images import from_jpeg, to_jpeg
from workflow.lib.common.tables import write_parquet
from workflow.lib.represent.vector_files import read_representation

PERCENTILES = [90, 80, 70, 60, 50, 0]


def galaxy(axis_ratio=1.0, angle=0.0, centre=(200, 212), twist=0.0, shift=0.0, size=424):
    """A galaxy on a noisy sky; its elliptical isophotes may turn and shift with radius."""
    y, x = np.mgrid[:size, :size].astype(float)
    radius = np.hypot(x - centre[0], y - centre[1]) / 100
    turned = np.radians(angle + twist * radius)
    x, y = x - centre[0] - shift * radius, y - centre[1]
    along, across = x * np.cos(turned) + y * np.sin(turned), y * np.cos(turned) - x * np.sin(turned)
    light = 220 * np.exp(-np.hypot(along, across / axis_ratio) / 25)
    noise = np.random.default_rng(1).normal(10, 2, (size, size))
    return np.clip(light + noise, 0, 255).astype(np.uint8)


def measured(image, sigma=3.0, percentiles=PERCENTILES):
    """The features of an image, by measure, each with the innermost ellipse first."""
    features = ellipse_features(image, sigma, percentiles)
    assert features.dtype == np.float32
    return dict(zip(MEASURES, features.reshape(len(MEASURES), -1), strict=True))


def test_a_round_galaxy_has_round_concentric_ellipses():
    found = measured(galaxy())
    assert (found["residual"] < 0.02).all()
    assert (found["offset"] < 3).all()
    assert np.allclose(found["aspect"], 1, atol=0.15)
    assert found["major"][0] == 1
    assert (np.diff(found["major"][:5]) > 0).all()


def test_other_ellipses_are_measured_relative_to_the_innermost():
    found = measured(galaxy(0.4, 30), percentiles=[50, 90])
    assert [found[name][0] for name in ("offset", "aspect", "angle", "major")] == [0, 1, 0, 1]
    assert found["major"][1] > 1


@pytest.mark.parametrize("angle", [0, 30, 89, 135])
def test_a_galaxys_orientation_changes_little(angle):
    found, reference = measured(galaxy(0.5, angle)), measured(galaxy(0.5, 60))
    assert np.allclose(found["aspect"], reference["aspect"], atol=0.1)
    assert np.allclose(found["major"], reference["major"], rtol=0.1)
    assert (found["angle"][:5] < 4).all()


def test_isophotes_that_turn_and_shift_change_the_features():
    plain, twisted = measured(galaxy(0.5)), measured(galaxy(0.5, twist=80))
    assert twisted["angle"][4] > plain["angle"][4] + 8
    shifted = measured(galaxy(0.9, shift=40))
    assert shifted["offset"][4] > measured(galaxy(0.9))["offset"][4] + 4


def test_an_irregular_outline_leaves_a_residual():
    image = galaxy(0.9)
    image[150:280, 190:300] = np.maximum(image[150:280, 190:300], 120)
    assert measured(image)["residual"][4] > 3 * measured(galaxy(0.9))["residual"][4]


def test_a_brighter_neighbour_is_ignored():
    image = galaxy(0.6)
    image[:60, :60] = 255
    near = measured(galaxy(0.6)), measured(image)
    assert np.allclose(near[0]["major"][:5], near[1]["major"][:5], rtol=0.25)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((424, 424), np.uint8),
        np.full((424, 424), 255, np.uint8),
        np.pad(np.full((2, 2), 255, np.uint8), 211),
    ],
    ids=["black", "white", "a few pixels"],
)
def test_images_without_a_galaxy_have_no_ellipses(image):
    assert np.isnan(ellipse_features(image, 3.0, PERCENTILES)).all()


def test_a_shard_keeps_every_galaxy_in_order(tmp_path):
    images = [galaxy(0.5, 20 * number) for number in range(3)] + [np.zeros((424, 424), np.uint8)]
    names = ["a", "b", "c", "d"]
    jpegs = [to_jpeg(np.stack([image] * 3, -1), 90) for image in images]
    write_parquet(pd.DataFrame({"iauname": names, "thumbnail": jpegs}), tmp_path / "s.parquet")
    measure_shard(
        tmp_path / "s.parquet",
        tmp_path / "e.parquet",
        channel=0,
        sigma=3.0,
        percentiles=PERCENTILES,
    )
    found, vectors = read_representation(tmp_path / "e.parquet")
    assert found == names
    assert vectors.shape == (4, 30)
    assert np.isnan(vectors).any(axis=1).tolist() == [False, False, False, True]
    assert pq.read_schema(tmp_path / "e.parquet").names == ["iauname", "representation"]


def test_real_galaxies_have_ellipses(shared_data):
    paths = sorted((shared_data / "gz2_sample" / "images").glob("*.jpg"))[:60]
    images = [from_jpeg(path.read_bytes())[..., 0] for path in paths]
    vectors = np.stack([ellipse_features(image, 3.0, PERCENTILES) for image in images])
    assert np.isnan(vectors).any(axis=1).mean() < 0.1
