"""The light of one galaxy: what is too faint to draw does not show."""

import numpy as np
import pytest

from tests.instruments import DECALS
from workflow.lib.sources.sky import light
from workflow.lib.sources.sky.population import draw_population
from workflow.lib.sources.sky.streams import stream


@pytest.fixture(scope="module")
def galaxies():
    usual = draw_population(150, seed=8, merging_share=0.3).query("morphology != 'artifact'")
    return usual.to_dict("records")


def test_the_light_that_is_not_drawn_is_a_small_part_of_the_noise(galaxies, monkeypatch):
    offsets = (np.arange(240) - 119.5) * DECALS.pixel_scale
    for number, truth in enumerate(galaxies):
        cubes = []
        for faintest in (light.FAINTEST, 1e-12):
            monkeypatch.setattr(light, "FAINTEST", faintest)
            galaxy = light.Galaxy(truth, stream(1, str(number), "structure"))
            cubes.append(galaxy.brightness(offsets, offsets, DECALS.pixel_scale))
            monkeypatch.undo()
        lost = np.abs(cubes[0] - cubes[1]).max(axis=(1, 2)) * DECALS.pixel_scale**2
        assert (lost < 0.05 * np.array(DECALS.noise)).all(), truth["iauname"]


def test_brightness_is_drawn_in_single_precision(galaxies):
    offsets = (np.arange(40) - 19.5).astype(float)
    for truth in galaxies[:30]:
        galaxy = light.Galaxy(truth, stream(1, truth["iauname"], "structure"))
        axes = galaxy._grid_axes(offsets, offsets)
        if galaxy.has_disc:
            assert galaxy._disc(*axes).dtype == np.float32
        assert galaxy._bulge(*axes).dtype == np.float32
