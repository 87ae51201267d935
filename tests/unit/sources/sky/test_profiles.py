"""The light of the simulated galaxies: its parts, and the Petrosian radii."""

import numpy as np
import pytest

from workflow.lib.sources.sky.population import draw_population
from workflow.lib.sources.sky.profiles import fluxes, petrosian


@pytest.fixture(scope="module")
def truth():
    return draw_population(6000, seed=4, merging_share=0.045)


def test_parts_add_up_to_the_catalogued_magnitudes(truth):
    parts = fluxes(truth)
    for band in "grz":
        share = sum(part[band] for part in parts.values())
        np.testing.assert_allclose(share * truth["flux_r"], truth[f"flux_{band}"], rtol=1e-9)
        assert all((part[band] >= 0).all() for part in parts.values())
    known = np.isfinite(truth["mag_r"])
    expected = 22.5 - 2.5 * np.log10(truth["flux_r"])
    np.testing.assert_allclose(truth["mag_r"][known], expected[known])


def test_petrosian_radii_of_a_round_exponential_disc_agree_with_the_literature(truth):
    row = truth.head(1).assign(
        bulge_fraction=0.0, bar_fraction=0.0, ring_fraction=0.0, clump_fraction=0.0,
        disc_scale=2.0, bulge_radius=0.5, inclination=0.0, disc_break=50.0,
    )  # fmt: skip
    theta, th50, th90 = petrosian(row)
    # Graham et al. 2005, table 1: for n = 1 the radius of eta = 0.2 is 2.16 half-light radii,
    # twice which holds 99.4% of the light.
    half_light = 1.678 * 2.0
    assert theta[0] == pytest.approx(2.16 * half_light, rel=0.02)
    assert th50[0] == pytest.approx(half_light, rel=0.02)
    assert th90[0] == pytest.approx(2.32 * half_light, rel=0.03)


def test_radii_are_ordered_and_scale_with_the_lengths(truth):
    assert (truth["petro_th50"] < truth["petro_th90"]).all()
    twice = truth.assign(
        **{name: 2 * truth[name] for name in ("disc_scale", "bulge_radius", "bar_length",
                                              "ring_radius", "ring_width")}
    )  # fmt: skip
    for once, doubled in zip(petrosian(truth), petrosian(twice), strict=True):
        np.testing.assert_allclose(doubled, 2 * once, rtol=1e-6)
