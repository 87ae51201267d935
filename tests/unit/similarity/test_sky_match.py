"""Positions on the sky: distances as astropy's, and galaxies that may be listed twice."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from workflow.lib.common.errors import UserError
from workflow.lib.similarity.sky_match import nearest_on_sky, same_places, separations

ras, decs = st.floats(0, 360), st.floats(-90, 90)


@given(st.lists(st.tuples(ras, decs), min_size=1, max_size=20), ras, decs)
def test_separations_are_those_of_astropy(places, ra0, dec0):
    ra, dec = np.array(places).T
    here, there = SkyCoord(ra0 * u.deg, dec0 * u.deg), SkyCoord(ra * u.deg, dec * u.deg)
    expected = there.separation(here).arcsec
    np.testing.assert_allclose(separations(ra, dec, ra0, dec0), expected, atol=1e-8)
    row, apart = nearest_on_sky(ra, dec, ra0, dec0)
    assert apart == pytest.approx(expected.min(), abs=1e-8)
    assert expected[row] == pytest.approx(apart, abs=1e-8)


def test_separations_are_right_across_ra_0_and_at_the_poles():
    np.testing.assert_allclose(separations([359.995], [0.0], 0.005, 0.0), 36.0)
    np.testing.assert_allclose(separations([0.0], [89.99], 180.0, 89.99), 72.0)
    np.testing.assert_allclose(separations([10.0], [60.0], 10.02, 60.0), 36.0, rtol=1e-6)
    np.testing.assert_allclose(separations([-0.005], [-90.0], 123.0, -90.0), 0.0, atol=1e-9)


@pytest.mark.parametrize(("ra0", "dec0"), [(np.nan, 0), (10, 91), (10, -90.5), (10, np.nan)])
def test_a_position_that_is_not_on_the_sky_is_refused(ra0, dec0):
    with pytest.raises(UserError, match="not degrees on the sky"):
        separations([0.0], [0.0], ra0, dec0)


def test_galaxies_without_coordinates_are_never_the_nearest():
    assert nearest_on_sky([np.nan, 5.0], [np.nan, 5.0], 50, 5)[0] == 1
    with pytest.raises(UserError, match="no galaxy has coordinates"):
        nearest_on_sky([np.nan], [np.nan], 50, 5)


@given(st.lists(st.tuples(ras, decs), min_size=1, max_size=20), st.floats(1, 1e5))
def test_the_same_places_agree_with_separations(places, within):
    ra, dec = np.array(places).T
    for row, found in enumerate(same_places(ra, dec, np.arange(len(ra)), within)):
        apart = separations(ra, dec, ra[row], dec[row])
        sure = np.abs(apart / within - 1) > 1e-6
        np.testing.assert_array_equal(
            np.isin(np.arange(len(ra)), found)[sure], apart[sure] < within
        )


def test_galaxies_without_coordinates_are_near_to_none_but_themselves():
    ra, dec = np.array([np.nan, 5.0, 5.0, np.nan]), np.array([1.0, 5.0, 5.0, np.nan])
    found = same_places(ra, dec, [0, 1, 3], 100)
    assert [rows.tolist() for rows in found] == [[0], [1, 2], [3]]
    missing = np.full(2, np.nan)
    assert [rows.tolist() for rows in same_places(missing, missing, [1], 100)] == [[1]]


def test_coordinates_beyond_the_poles_count_as_missing():
    found = same_places([5.0, 5.0, -99.0, -99.0], [5.0, 5.0, -99.0, -99.0], [0, 2], 100)
    assert [rows.tolist() for rows in found] == [[0, 1], [2]]
