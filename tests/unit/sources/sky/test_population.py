"""The simulated galaxies: shares of the types, sizes and magnitudes, reproducibility."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.lib.sources.sky.population import draw_population, galaxy_id, iauname


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


def test_names_are_unique_and_well_formed(truth):
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


def test_three_quarters_pass_the_catalogue_cuts_and_each_cut_removes_some(truth):
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


def test_early_types_are_redder_than_late_types(truth):
    colour = truth["mag_g"] - truth["mag_z"]
    median = colour.groupby(truth["morphology"]).median()
    assert median["elliptical"] > median["disc"] + 0.2 > median["irregular"] + 0.4


def test_galaxy_ids_differ_between_hemispheres():
    assert galaxy_id("J000000.00+000000.0") != galaxy_id("J000000.00-000000.0")
    assert galaxy_id("J235959.99-895959.9") < 2**63
