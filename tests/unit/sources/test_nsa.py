"""The NASA-Sloan Atlas: magnitudes, and which flux is that of the r band."""

import numpy as np
import pytest

from tests.unit.catalogue.conftest import NSA, write_atlas
from workflow.lib.sources.nsa import magnitude, read_nsa


@pytest.mark.parametrize(
    ("flux", "mag"), [(1.0, 22.5), (100.0, 17.5), (77.98301, 17.77), (2511.8864, 14.0)]
)
def test_known_magnitudes(flux, mag):
    assert magnitude(np.array([flux]), 22.5)[0] == pytest.approx(mag, abs=1e-5)


def test_a_flux_that_is_not_positive_and_finite_has_no_magnitude(recwarn):
    mags = magnitude(np.float32([0, -1, np.nan, np.inf, -np.inf]), 22.5)
    assert np.isnan(mags).all()
    assert not recwarn.list


def test_the_r_band_is_the_fifth_of_the_seven_fluxes(tmp_path):
    write_atlas(tmp_path / "nsa.fits")
    galaxies = read_nsa(tmp_path / "nsa.fits", **NSA)
    assert galaxies["mag_r"].iloc[:4].round(4).tolist() == [16.0, 16.0, 13.5, 18.0]
    assert list(galaxies) == [
        "iauname", "ra", "dec", "petro_theta", "petro_th50", "petro_th90", "mag_r",
    ]  # fmt: skip
