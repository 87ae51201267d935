"""What the instruments see: flux, position, seeing and noise; the same bytes every time."""

from dataclasses import replace
from io import BytesIO

import galsim
import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from tests.instruments import DECALS, SDSS
from workflow.lib.sources.sky import render
from workflow.lib.sources.sky.camera import MOFFAT_BETA
from workflow.lib.sources.sky.field import field_objects
from workflow.lib.sources.sky.population import draw_population
from workflow.lib.sources.sky.render import cutout_fits, render_cutout
from workflow.lib.sources.sky.structure import DEFECTS

QUIET = replace(DECALS, noise=(0, 0, 0), seeing_scatter=0)


@pytest.fixture(scope="module")
def truth():
    usual = draw_population(400, seed=8, merging_share=0.045).query(
        "not wrong_size_warning and defect == 'none' and missing == 'none'"
    )
    return usual.to_dict("records")


@pytest.fixture
def alone(monkeypatch):
    """Empty the field, or put only the given objects there."""

    def put(*objects):
        columns = list(render.SkyObject._fields)
        table = pd.DataFrame(objects, columns=columns).astype({"star": bool})
        monkeypatch.setattr(render, "field_objects", lambda galaxy, seed: table)

    put()
    return put


def pick(truth, condition, count=1):
    rows = [galaxy for galaxy in truth if condition(galaxy)][:count]
    assert len(rows) == count
    return rows if count > 1 else rows[0]


def dark(galaxy):
    return {**galaxy, "flux_r": 1e-9}


def field_of_view(galaxy):
    return int(max(12 * galaxy["petro_th50"], 5 * galaxy["petro_th90"]) / DECALS.pixel_scale)


def test_the_same_arguments_give_the_same_bytes_in_any_order(truth):
    first = [cutout_fits(galaxy, 90, DECALS, 5) for galaxy in truth[:6]]
    again = [cutout_fits(galaxy, 90, DECALS, 5) for galaxy in reversed(truth[:6])]
    assert first == again[::-1]


def test_the_fits_file_keeps_to_the_standard(truth):
    with fits.open(BytesIO(cutout_fits(truth[0], 91, DECALS, 5)), checksum=True) as file:
        file.verify("exception")
        np.testing.assert_array_equal(file[0].data, render_cutout(truth[0], 91, DECALS, 5))


def test_another_seed_gives_another_sky(truth):
    assert cutout_fits(truth[0], 60, DECALS, 5) != cutout_fits(truth[0], 60, DECALS, 6)


def test_numbers_of_numpy_and_of_python_give_the_same_sky(truth):
    frame = pd.DataFrame(truth[:6])
    for number, galaxy in enumerate(truth[:6]):
        scalars = {name: frame[name].to_numpy()[number] for name in frame}
        assert cutout_fits(scalars, 90, DECALS, 5) == cutout_fits(galaxy, 90, DECALS, 5)


@pytest.mark.parametrize(("size", "pixel_scale"), [(0, None), (10, 0.0), (10, -1.0)])
def test_an_impossible_cutout_is_refused(truth, size, pixel_scale):
    with pytest.raises(ValueError, match="positive"):
        render_cutout(truth[0], size, DECALS, 1, pixel_scale)


@pytest.mark.parametrize("size", [1, 2, 31, 160])
def test_every_size_is_rendered(truth, size):
    cube = render_cutout(truth[0], size, DECALS, 1)
    assert cube.shape == (3, size, size)
    assert cube.dtype == np.float32
    assert np.isfinite(cube).all()


@pytest.mark.parametrize("kind", DEFECTS)
def test_every_defect_spoils_the_cutout(truth, kind):
    clean = render_cutout(truth[0], 120, DECALS, 1)
    spoilt = render_cutout({**truth[0], "defect": kind}, 120, DECALS, 1)
    assert np.isfinite(spoilt).all()
    assert np.abs(spoilt - clean).max() > 3 * DECALS.noise[0]


def test_the_flux_is_that_of_the_magnitude(truth, alone):
    for galaxy in pick(truth, lambda g: g["bulge_fraction"] < 0.9, 12):
        seen = render_cutout(galaxy, field_of_view(galaxy), QUIET, 1).sum(axis=(1, 2))
        magnitudes = np.array([galaxy[f"mag_{band}"] for band in "grz"])
        if galaxy["companion_separation"] < galaxy["petro_th50"]:
            np.testing.assert_allclose(seen, 10 ** ((22.5 - magnitudes) / 2.5), rtol=0.04)


def test_half_of_the_light_is_within_petro_th50(truth, alone):
    ratios = []
    for galaxy in pick(truth, lambda g: g["disturbance"] < 0.1 and not g["dust_lane"], 25):
        cube = render_cutout(galaxy, field_of_view(galaxy), QUIET, 1)
        offsets = (np.arange(cube.shape[1]) - (cube.shape[1] - 1) / 2) * DECALS.pixel_scale
        radius = np.hypot(offsets, offsets[:, None])
        inside = cube[1][radius < 2 * galaxy["petro_theta"]].sum()
        half = cube[1][radius < galaxy["petro_th50"]].sum()
        ratios.append(half / inside)
    assert np.median(ratios) == pytest.approx(0.5, abs=0.02)
    # The radii account only roughly for seeing and for shapes that are not axisymmetric.
    errors = np.abs(np.array(ratios) - 0.5)
    assert np.quantile(errors, 0.75) < 0.06
    assert errors.max() < 0.14


def test_an_elliptical_agrees_with_galsim(truth, alone):
    galaxy = pick(truth, lambda g: g["morphology"] == "elliptical" and g["disturbance"] < 0.1)
    galaxy = {**galaxy, "boxiness": 0.0, "bulge_sersic": 3.0, "bulge_radius": 3.0}
    galaxy |= {"offset_east": 0.0, "offset_north": 0.0}
    instrument = replace(QUIET, seeing_fwhm=(1.3, 1.3, 1.3))
    ours = render_cutout(galaxy, 151, instrument, 1)[1]
    rotation = (90 + galaxy["position_angle"]) * galsim.degrees
    sersic = galsim.Sersic(3.0, half_light_radius=3.0 * galaxy["bulge_axis_ratio"] ** 0.5)
    sersic = sersic.withFlux(galaxy["flux_r"]).shear(q=galaxy["bulge_axis_ratio"], beta=rotation)
    psf = galsim.Moffat(beta=MOFFAT_BETA, fwhm=1.3)
    image = galsim.Convolve(sersic, psf).drawImage(
        nx=151, ny=151, scale=DECALS.pixel_scale, method="no_pixel"
    )
    theirs = image.array
    bright = theirs > 0.02 * theirs.max()
    np.testing.assert_allclose(ours[bright], theirs[bright], rtol=0.06)


def test_a_galaxy_can_be_off_its_catalogued_position(truth, alone):
    galaxy = pick(truth, lambda g: g["morphology"] == "elliptical" and g["disturbance"] < 0.1)
    for east, north in [(2 * DECALS.pixel_scale, 0.0), (0.0, -3 * DECALS.pixel_scale)]:
        moved = {**galaxy, "offset_east": east, "offset_north": north}
        row, column = np.unravel_index(render_cutout(moved, 61, QUIET, 1)[1].argmax(), (61, 61))
        assert (30 - column) * DECALS.pixel_scale == pytest.approx(east)
        assert (row - 30) * DECALS.pixel_scale == pytest.approx(north)


def test_the_position_angle_runs_from_north_to_east(truth, alone):
    galaxy = pick(truth, lambda g: 70 < g["inclination"] < 78 and g["disturbance"] < 0.1)
    for angle in (0, 45, 90, 135):
        light = render_cutout({**galaxy, "position_angle": angle}, 121, QUIET, 1)[1]
        offsets = np.arange(121) - 60
        east, north = -offsets[None, :], offsets[:, None]
        light = light * (np.hypot(east, north) < 55)
        twist = (light * east * north).sum(), 0.5 * (light * (north**2 - east**2)).sum()
        measured = np.degrees(np.arctan2(*twist)) / 2 % 180
        assert (measured - angle + 90) % 180 - 90 == pytest.approx(0, abs=12)


@pytest.mark.parametrize(("east", "north"), [(8.0, 0.0), (0.0, 9.0), (-5.3, 7.1)])
def test_a_star_appears_where_the_wcs_says(truth, alone, east, north):
    galaxy = dark(truth[0])
    star = render.SkyObject(east, north, True, 17.0, 0.5, 0.2)
    alone(star)
    with fits.open(BytesIO(cutout_fits(galaxy, 101, QUIET, 1))) as file:
        cube, wcs = file[0].data, WCS(file[0].header, naxis=2)
        assert file[0].header["BANDS"] == "grz"
        assert cube.dtype == np.dtype(">f4")
    centre = SkyCoord(galaxy["ra"], galaxy["dec"], unit="deg")
    x, y = wcs.world_to_pixel(
        centre.spherical_offsets_by(east / 3600 * units.deg, north / 3600 * units.deg)
    )
    seen = cube[1]
    rows, columns = np.indices(seen.shape)
    assert (seen * columns).sum() / seen.sum() == pytest.approx(x, abs=0.1)
    assert (seen * rows).sum() / seen.sum() == pytest.approx(y, abs=0.1)
    assert (columns[seen == seen.max()][0] < 50) == (east > 0)
    assert seen.sum() == pytest.approx(10 ** ((22.5 - 17.0) / 2.5), rel=0.03)


def test_a_neighbour_has_its_flux_and_position(truth, alone):
    neighbour = render.SkyObject(-6.0, 5.0, False, 18.0, 0.6, 0.3, 1.0, 1.0, 0.7, 30.0)
    alone(neighbour)
    seen = render_cutout(dark(truth[0]), 121, QUIET, 1)
    offsets = (np.arange(121) - 60) * DECALS.pixel_scale
    colour = np.array([18.6, 18.0, 17.7])
    np.testing.assert_allclose(seen.sum(axis=(1, 2)), 10 ** ((22.5 - colour) / 2.5), rtol=0.03)
    assert (seen[1].sum(axis=0) * offsets).sum() / seen[1].sum() == pytest.approx(6.0, abs=0.05)
    assert (seen[1].sum(axis=1) * offsets).sum() / seen[1].sum() == pytest.approx(5.0, abs=0.05)


def test_a_companion_has_its_flux_position_and_angle(truth, alone):
    galaxy = {
        **pick(truth, lambda g: g["disturbance"] < 0.1 and g["bulge_fraction"] < 0.3),
        "disc_scale": 1.5, "bulge_radius": 0.5, "companion_fraction": 0.4,
        "companion_separation": 20.0, "companion_inclination": 60.0,
        "companion_position_angle": 30.0,
    }  # fmt: skip
    offsets = (np.arange(261) - 130) * DECALS.pixel_scale
    companions = []
    for spheroid in (True, False):
        east, west = (
            render_cutout(
                {**galaxy, "companion_spheroid": spheroid, "companion_angle": angle}, 261, QUIET, 1
            )[1]
            for angle in (90, 270)
        )
        # The difference of the two images shows only the companion.
        light = (east - west)[:, :130]
        x, y = -offsets[:130], offsets[:, None]
        assert light.sum() == pytest.approx(0.4 * galaxy["flux_r"], rel=0.06)
        middle_x, middle_y = (light * x).sum() / light.sum(), (light * y).sum() / light.sum()
        assert middle_x == pytest.approx(20.0 + galaxy["offset_east"], abs=0.3)
        assert middle_y == pytest.approx(galaxy["offset_north"], abs=0.3)
        x, y = x - middle_x, y - middle_y
        twist = (light * x * y).sum(), 0.5 * (light * (y**2 - x**2)).sum()
        assert np.degrees(np.arctan2(*twist)) / 2 % 180 == pytest.approx(30, abs=8)
        companions.append(light)
    assert np.abs(np.subtract(*companions)).sum() > 0.2 * companions[0].sum()


def test_field_objects_are_where_their_coordinates_say(truth):
    galaxy = truth[0]
    objects = field_objects(galaxy, 1)
    east = (objects["ra"] - galaxy["ra"] + 180) % 360 - 180
    east = east * np.cos(np.radians(galaxy["dec"])) * 3600
    np.testing.assert_allclose(east, objects["east"], atol=1e-3)
    np.testing.assert_allclose((objects["dec"] - galaxy["dec"]) * 3600, objects["north"], atol=1e-3)
    assert objects["star"].any()
    assert not objects["star"].all()


def test_a_larger_cutout_shows_the_same_sky(truth):
    small = render_cutout(truth[3], 120, QUIET, 2)
    large = render_cutout(truth[3], 200, QUIET, 2)[:, 40:160, 40:160]
    inner = (slice(None), slice(10, 110), slice(10, 110))
    np.testing.assert_allclose(small[inner], large[inner], atol=3e-3)


def test_both_instruments_see_the_same_sky(truth):
    sharp = render_cutout(truth[3], 160, QUIET, 2)
    other = replace(QUIET, seeing_fwhm=(1.6, 1.6, 1.6))
    blurred = render_cutout(truth[3], 160, other, 2)
    assert np.corrcoef(sharp[1].ravel(), blurred[1].ravel())[0, 1] > 0.9


@pytest.mark.parametrize("instrument", [DECALS, SDSS])
def test_noise_has_the_rms_and_the_correlation_of_the_instrument(truth, alone, instrument):
    even = replace(instrument, depth_scatter=0, background_scatter=0)
    noise = render_cutout(dark(truth[0]), 300, even, 1)
    np.testing.assert_allclose(noise.std(axis=(1, 2)), instrument.noise, rtol=0.03)
    neighbours = (noise[1, :, 1:] * noise[1, :, :-1]).mean() / noise[1].var()
    assert neighbours == pytest.approx(instrument.noise_correlation, abs=0.02)


def test_exposures_differ_in_noise_from_galaxy_to_galaxy(truth, alone):
    first, second = (render_cutout(dark(galaxy), 80, DECALS, 1) for galaxy in truth[:2])
    assert abs(np.corrcoef(first[1].ravel(), second[1].ravel())[0, 1]) < 0.05
    depths = [render_cutout(dark(galaxy), 80, DECALS, 1)[1].std() for galaxy in truth[:40]]
    assert np.std(np.log(depths)) == pytest.approx(DECALS.depth_scatter, rel=0.4)


def test_the_second_survey_is_blurrier_and_noisier(truth, alone):
    alone(render.SkyObject(0.0, 0.0, True, 17.0, 0.5, 0.2))
    radii = []
    for instrument in (DECALS, SDSS):
        quiet = replace(instrument, noise=(0, 0, 0), seeing_scatter=0)
        star = render_cutout(dark(truth[0]), 61, quiet, 1)[1]
        offsets = (np.arange(61) - 30) * instrument.pixel_scale
        radius = np.hypot(offsets, offsets[:, None]).ravel()
        growth = np.cumsum(star.ravel()[np.argsort(radius)]) / star.sum()
        radii.append(np.sort(radius)[np.searchsorted(growth, 0.5)])
    assert radii[1] > 1.08 * radii[0]
    per_area = [np.array(i.noise) / i.pixel_scale for i in (DECALS, SDSS)]
    assert (per_area[1] > 2 * per_area[0]).all()


def test_resampling_to_another_pixel_scale_keeps_flux_and_centre(truth, alone):
    galaxy = pick(truth, lambda g: g["morphology"] == "lenticular" and g["disturbance"] < 0.1)
    native = render_cutout(galaxy, 200, QUIET, 1)
    finer = render_cutout(galaxy, 400, QUIET, 1, pixel_scale=DECALS.pixel_scale / 2)
    np.testing.assert_allclose(finer.sum(axis=(1, 2)), native.sum(axis=(1, 2)), rtol=0.01)
    binned = finer[1].reshape(200, 2, 200, 2).sum(axis=(1, 3))
    assert np.corrcoef(binned.ravel(), native[1].ravel())[0, 1] > 0.99


def test_missing_pixels_are_zero(truth):
    strip = render_cutout({**truth[0], "missing": "strip"}, 100, DECALS, 1)
    columns = (strip == 0).all(axis=(0, 1))
    assert 0.1 <= columns.mean() <= 0.36
    assert not (strip[:, :, ~columns] == 0).any()
    band = render_cutout({**truth[0], "missing": "band"}, 100, DECALS, 1)
    assert sorted((band == 0).all(axis=(1, 2))) == [False, False, True]


def test_rings_arms_bars_and_clumps_change_the_image(truth, alone):
    galaxy = pick(truth, lambda g: g["morphology"] == "disc" and g["inclination"] < 50)
    galaxy = {**galaxy, "disc_scale": 4.0, "bar_length": 4.0, "ring_radius": 5.0, "ring_width": 0.8}
    plain = {
        **galaxy, "arm_strength": 0.0, "bar_strength": 0.0, "bar_fraction": 0.0,
        "ring_strength": 0.0, "ring_fraction": 0.0, "clump_fraction": 0.0, "disturbance": 0.0,
        "tail_strength": 0.0, "companion_fraction": 0.0,
    }  # fmt: skip
    reference = render_cutout(plain, 180, QUIET, 1)
    for feature in (
        {"arm_strength": 0.9},
        {"bar_strength": 0.9, "bar_fraction": 0.2},
        {"ring_strength": 0.9, "ring_fraction": 0.2},
        {"clump_fraction": 0.1},
        {"disturbance": 0.9, "tail_strength": 0.9},
        {"companion_fraction": 0.4, "companion_separation": 6.0},
    ):
        seen = render_cutout({**plain, **feature}, 180, QUIET, 1)
        assert np.abs(seen - reference)[1].sum() > 0.08 * reference[1].sum(), feature
