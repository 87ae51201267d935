"""The simulated galaxies: shares of the types, sizes and magnitudes, reproducibility."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.lib.sources.sky.population import EDGE_ON, draw_population, fluxes, iauname, petrosian


@pytest.fixture(scope="module")
def truth():
    return draw_population(6000, seed=4, merging_share=0.045)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(0, 60), more=st.integers(0, 60), seed=st.integers(0, 2**32))
def test_a_larger_population_begins_with_the_smaller(n, more, seed):
    pd.testing.assert_frame_equal(
        draw_population(n, seed, 0.1),
        draw_population(n + more, seed, 0.1).head(n),
        check_dtype=n > 0,
    )


def test_another_seed_gives_other_galaxies():
    assert not set(draw_population(50, 1, 0.1)["iauname"]) & set(
        draw_population(50, 2, 0.1)["iauname"]
    )


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError, match="-1"):
        draw_population(-1, 0, 0.1)


def test_names_are_unique_and_give_the_position(truth):
    assert truth["iauname"].is_unique
    assert truth["iauname"].str.fullmatch(r"J\d{6}\.\d\d[+-]\d{6}\.\d").all()


@given(ra=st.floats(0, 360, exclude_max=True), dec=st.floats(-89.9, 89.9))
def test_a_name_is_the_truncated_position(ra, dec):
    name = iauname(ra, dec)
    hours = [float(name[1:3]), float(name[3:5]), float(name[5:10])]
    degrees = [float(name[11:13]), float(name[13:15]), float(name[15:19])]
    sixty = np.array([1, 1 / 60, 1 / 3600])
    assert -1e-9 <= ra - 15 * (hours @ sixty) < 0.01 * 15 / 3600 + 1e-9
    assert -1e-9 <= abs(dec) - degrees @ sixty < 0.1 / 3600 + 1e-9
    assert (name[10] == "-") == (dec < 0)


def test_a_few_pairs_are_within_100_arcsec(truth):
    north = np.diff(truth["dec"])
    east = np.diff(truth["ra"]) * np.cos(np.radians(truth["dec"].to_numpy()[1:]))
    assert 20 < (np.hypot(north, east) * 3600 < 100).sum() < 300


def test_three_quarters_pass_the_catalogue_cuts_and_every_cut_bites(truth):
    cuts = {
        "small": truth["petro_theta"] > 3,
        "bright": ~(truth["mag_r"] < 14),
        "faint": ~(truth["mag_r"] > 17.77),
        "no flux": np.isfinite(truth["mag_r"]),
        "wrong size": ~truth["wrong_size_warning"],
        "not observed": truth["observed"],
    }
    assert all((~kept).mean() > 0.001 for kept in cuts.values())
    assert 0.7 < np.logical_and.reduce(list(cuts.values())).mean() < 0.85


def test_rare_types_are_common_enough_for_benchmarks(truth):
    assert 0.07 < (truth["ring_strength"] > 0).mean() < 0.13
    assert 0.05 < (truth["bar_strength"] > 0.55).mean() < 0.13
    assert 0.03 < truth["merging"].mean() < 0.06
    assert 0.04 < (truth["irregularity"] > 0).mean() < 0.08
    assert 0.008 < (truth["defect"] != "none").mean() < 0.025
    assert 0.09 < (truth["inclination"] > EDGE_ON).mean() < 0.16
    assert truth["dust_lane"].mean() > 0.02
    assert truth.loc[truth["observed"], "missing"].ne("none").mean() == pytest.approx(
        1 / 300, rel=0.7
    )
    assert (truth.loc[~truth["observed"], "missing"] == "none").all()
    assert set(truth["arm_count"]) == {1, 2, 3, 4, 5, 6}


def test_encounters_are_of_all_kinds():
    truth = draw_population(4000, seed=9, merging_share=0.5)
    merging = truth[truth["merging"]]
    assert 0.3 < merging["companion_spheroid"].mean() < 0.5
    assert 0.2 < (merging["disturbance"] < 0.3).mean() < 0.4
    discs = truth[truth["morphology"].isin(["disc", "lenticular"])]
    needles = (discs["inclination"] > EDGE_ON).groupby(discs["merging"]).mean()
    assert needles[True] == pytest.approx(needles[False], abs=0.04)
    apart = truth[~truth["merging"]]
    assert not apart["companion_spheroid"].any()
    assert (apart["companion_fraction"] == 0).all()


def test_parts_add_up_to_the_catalogued_magnitudes(truth):
    parts = fluxes(truth)
    for band in "grz":
        share = sum(part[band] for part in parts.values())
        np.testing.assert_allclose(share * truth["flux_r"], truth[f"flux_{band}"], rtol=1e-9)
        assert all((part[band] >= 0).all() for part in parts.values())
    known = np.isfinite(truth["mag_r"])
    expected = 22.5 - 2.5 * np.log10(truth["flux_r"])
    np.testing.assert_allclose(truth["mag_r"][known], expected[known])


def test_early_types_are_redder_than_late_types(truth):
    colour = truth["mag_g"] - truth["mag_z"]
    median = colour.groupby(truth["morphology"]).median()
    assert median["elliptical"] > median["disc"] + 0.2 > median["irregular"] + 0.4


def test_petrosian_radii_of_a_round_exponential_disc_are_the_known_ones(truth):
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


def test_radii_are_ordered_and_lengths_scale_together(truth):
    assert (truth["petro_th50"] < truth["petro_th90"]).all()
    twice = truth.assign(
        **{name: 2 * truth[name] for name in ("disc_scale", "bulge_radius", "bar_length",
                                              "ring_radius", "ring_width")}
    )  # fmt: skip
    for once, doubled in zip(petrosian(truth), petrosian(twice), strict=True):
        np.testing.assert_allclose(doubled, 2 * once, rtol=1e-6)
