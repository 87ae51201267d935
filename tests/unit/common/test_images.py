"""Decoding, orientation, interpolation, rescaling and colour."""

import math
from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from tests.cutout_service import cutout_fits
from tests.unit.common.image_files import encode, noise, png_bomb, reason_of
from workflow.lib.common import images
from workflow.lib.common.errors import FetchError
from workflow.lib.common.images import decode_image

COLOUR = {
    "scales": {"g": 0.008, "r": 0.014, "z": 0.019},
    "arcsinh_range": (-0.5, 300.0),
    "desaturation": 2.5,
}

brightness = st.floats(-0.125, 100, width=32)
cubes = arrays(np.float32, st.tuples(st.just(3), st.integers(1, 6), st.integers(1, 6)),
               elements=brightness)  # fmt: skip
pictures = arrays(np.uint8, st.tuples(st.integers(2, 40), st.just(3)).map(lambda s: (s[0], *s)))


def show(value: float, other: float = 0.0) -> np.ndarray:
    """Give the colour of a pixel of `value` in r and `other` in g and z, in scaled units."""
    scales = np.array(list(COLOUR["scales"].values()), np.float32)
    cube = scales.reshape(3, 1, 1) * np.float32([other, value, other]).reshape(3, 1, 1)
    return images.rescale_to_rgb(cube, **COLOUR)[0, 0]


# Rescaling and colour


def test_grey_pixels_have_the_values_calculated_by_hand():
    """A grey pixel x keeps w + (1-w) = 1 of itself, and gains (1-w)^2 x^2; w = sin(0.3 pi)."""
    span = math.asinh(300) - math.asinh(-0.5)
    lost = 1 - math.sin(0.3 * math.pi)
    for value in (0.0, 1.0, 20.0):
        x = (math.asinh(value) - math.asinh(-0.5)) / span
        expected = round(255 * (x + lost**2 * x * x))
        assert show(value, value).tolist() == [expected] * 3


def test_the_ends_of_the_range_are_black_and_white():
    assert show(-0.5, -0.5).tolist() == [0, 0, 0]
    assert show(-50, -50).tolist() == [0, 0, 0]
    assert show(300, 300).tolist() == [255, 255, 255]
    assert show(1e6, 1e6).tolist() == [255, 255, 255]


def test_a_pixel_with_some_colour_has_the_values_calculated_by_hand():
    low, span = math.asinh(-0.5), math.asinh(300) - math.asinh(-0.5)
    g = r = (math.asinh(2) - low) / span
    z = (math.asinh(10) - low) / span
    mean = (g + r + z) / 3
    kept = math.sin(math.pi / 2 * (1 - z / mean / 2.5))
    red, green, blue = (
        round(255 * (x * kept + mean * (1 - kept) + mean * (1 - kept) ** 2 * x)) for x in (z, r, g)
    )
    cube = np.float32([2 * 0.008, 2 * 0.014, 10 * 0.019]).reshape(3, 1, 1)
    assert images.rescale_to_rgb(cube, **COLOUR)[0, 0].tolist() == [red, green, blue]


def test_the_reddest_band_is_shown_red():
    for band, channel in (("z", 0), ("r", 1), ("g", 2)):
        cube = np.full((3, 1, 1), 0.05, np.float32)
        cube["grz".index(band)] = 0.5
        assert images.rescale_to_rgb(cube, **COLOUR)[0, 0].argmax() == channel


def test_a_pixel_in_which_one_band_dominates_keeps_only_a_tint():
    """With g and z black, r is three times the mean: w = 0, and x becomes a + a x."""
    x = (math.asinh(100) - math.asinh(-0.5)) / (math.asinh(300) - math.asinh(-0.5))
    mean = x / 3
    expected = [mean, mean + mean * x, mean]
    assert show(100, -0.5).tolist() == [round(255 * value) for value in expected]


@given(cubes)
def test_any_brightness_gives_a_picture(cube):
    rgb = images.rescale_to_rgb(cube, **COLOUR)
    assert rgb.dtype == np.uint8
    assert rgb.shape == (*cube.shape[1:], 3)


@given(st.lists(brightness, min_size=2, max_size=20))
def test_more_light_is_never_shown_darker(values):
    row = np.sort(np.float32(values)).reshape(1, 1, -1).repeat(3, axis=0)
    scales = np.float32(list(COLOUR["scales"].values())).reshape(3, 1, 1)
    grey = images.rescale_to_rgb(row * scales, **COLOUR)[0].astype(int)
    assert (np.diff(grey, axis=0) >= 0).all()


@given(cubes)
def test_desaturation_never_makes_a_pixel_more_colourful(cube):
    scales = np.float32(list(COLOUR["scales"].values())).reshape(3, 1, 1)
    plain = images.rescale_to_rgb(cube * scales, **{**COLOUR, "desaturation": 1e12}).astype(int)
    drawn = images.rescale_to_rgb(cube * scales, **COLOUR).astype(int)
    unclipped = (plain > 0).all(axis=2) & (plain < 255).all(axis=2) & (drawn < 255).all(axis=2)
    spread, before = (np.ptp(rgb, axis=2)[unclipped] for rgb in (drawn, plain))
    assert (spread <= before + 2).all(), "two for the rounding"


def test_one_band_is_shown_grey():
    rgb = images.rescale_to_rgb(noise(1, 8, 8), **COLOUR)
    assert (rgb == rgb[..., :1]).all()
    assert np.ptp(rgb) > 0


# Size on the sky


@pytest.mark.parametrize(
    ("th50", "th90", "scale", "size"),
    [(5, 12, 0.2, 324), (5, 8, 0.16, 259), (1, 3, 0.1, 162), (60, 150, 2.4, 3884)],
)
def test_the_size_of_the_cutout_follows_the_radius(th50, th90, scale, size):
    coefficients = {"per_th50": 0.04, "per_th90": 0.02, "minimum": 0.1}
    found = images.thumbnail_pixel_scale(th50, th90, **coefficients)
    assert found == pytest.approx(scale)
    assert images.native_size(found, 424, 0.262) == size
    together = images.thumbnail_pixel_scale(np.array([th50] * 2), np.array([th90] * 2),
                                            **coefficients)  # fmt: skip
    np.testing.assert_allclose(together, scale)


# Interpolation


@given(st.floats(-1, 100, width=32), st.integers(1, 60), st.integers(1, 60))
def test_interpolating_a_constant_image_keeps_the_constant(value, side, size):
    resampled = images.resample(np.full((3, side, side), value, np.float32), size)
    assert resampled.shape == (3, size, size)
    assert resampled.dtype == np.float32
    np.testing.assert_allclose(resampled, value, rtol=1e-5)


def test_interpolating_keeps_surface_brightness():
    """A wide blob has the same peak, and so a flux that grows with the number of pixels."""
    cube, size = decode_image(cutout_fits(100), "blob"), 150
    resampled = images.resample(cube, size)
    assert resampled.max() == pytest.approx(cube.max(), rel=0.05)
    assert resampled.sum() / size**2 == pytest.approx(cube.sum() / 100**2, rel=1e-3)


def test_shrinking_does_not_alias():
    stripes = np.tile(np.float32([0, 1]), (1, 200, 100))
    assert np.ptp(images.resample(stripes, 50)[:, 5:-5, 5:-5]) < 0.01


def test_the_central_square_of_an_oblong_image_is_taken():
    oblong = np.zeros((1, 4, 10), np.float32)
    oblong[:, :, 3:7] = 1
    np.testing.assert_array_equal(images.resample(oblong, 4), np.ones((1, 4, 4)))


@given(pictures)
def test_a_picture_of_the_right_size_is_not_changed(rgb):
    np.testing.assert_array_equal(images.to_thumbnail(rgb, len(rgb), COLOUR), rgb)


def test_brightness_is_rescaled_after_interpolation():
    cube = decode_image(cutout_fits(40), "blob")
    expected = images.rescale_to_rgb(images.resample(cube, 100), **COLOUR)
    np.testing.assert_array_equal(images.to_thumbnail(cube, 100, COLOUR), expected)


# Grey


@given(arrays(np.uint8, st.integers(1, 30).map(lambda side: (side, side))))
def test_the_grey_of_a_grey_picture_is_itself(plane):
    rgb = np.repeat(plane[..., np.newaxis], 3, axis=2)
    np.testing.assert_array_equal(images.grey(rgb, len(plane)), plane)


def test_grey_is_the_mean_of_the_channels():
    rgb = np.full((8, 8, 3), [30, 60, 120], np.uint8)
    np.testing.assert_array_equal(images.grey(rgb, 5), np.full((5, 5), 70))


@given(pictures, st.integers(1, 50))
def test_grey_has_the_size_asked_for(rgb, size):
    grey = images.grey(rgb, size)
    assert (grey.shape, grey.dtype) == ((size, size), np.uint8)


@pytest.mark.parametrize("draw", [images.grey, images.colour_image])
def test_the_network_can_be_shown_only_the_middle(draw):
    rgb = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    np.testing.assert_array_equal(draw(rgb, 10, 0.5), draw(rgb[20:60, 20:60], 10))
    np.testing.assert_array_equal(draw(rgb, 10, 1), draw(rgb, 10))


# Orientation


@pytest.mark.parametrize("flip_east", [False, True])
@pytest.mark.parametrize("flip_north", [False, True])
@pytest.mark.parametrize("keywords", ["CD", "CDELT"])
def test_north_is_up_and_east_is_left(flip_east, flip_north, keywords):
    """A star 9.2 arcsec north and 5.3 west of the centre, placed by astropy's WCS."""
    side, scale, ra, dec = 101, 0.262, 150.0, 2.0
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": ra, "CRVAL2": dec})
    header.update({"CRPIX1": (side + 1) / 2, "CRPIX2": (side + 1) / 2, "BANDS": "grz"})
    steps = [scale / 3600 * (1 if flip_east else -1), scale / 3600 * (-1 if flip_north else 1)]
    if keywords == "CD":
        header.update({"CD1_1": steps[0], "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": steps[1]})
    else:
        header.update({"CDELT1": steps[0], "CDELT2": steps[1]})
    west = ra - 5.3 / 3600 / math.cos(math.radians(dec))
    x, y = WCS(header).wcs_world2pix(west, dec + 9.2 / 3600, 0)
    rows, columns = np.indices((side, side))
    star = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
    buffer = BytesIO()
    cube = np.repeat(star[np.newaxis], 3, axis=0).astype(np.float32) + noise(3, side, side) / 100
    fits.PrimaryHDU(cube, header).writeto(buffer)

    rgb = images.to_thumbnail(decode_image(buffer.getvalue(), "star"), 424, COLOUR)
    for picture, size in ((rgb.mean(axis=2), 424), (images.grey(rgb, 300), 300)):
        weight = np.clip(picture.astype(float) - 60, 0, None)
        row, column = (np.average(axis, weights=weight) for axis in np.indices((size, size)))
        pixels_per_arcsec = size / side / scale
        assert (size - 1) / 2 - row == pytest.approx(9.2 * pixels_per_arcsec, abs=0.7), (
            "north is up"
        )
        assert column - (size - 1) / 2 == pytest.approx(5.3 * pixels_per_arcsec, abs=0.7), (
            "west right"
        )


def test_an_image_without_a_wcs_has_row_0_in_the_south():
    cube = noise(3, 6, 6)
    buffer = BytesIO()
    fits.PrimaryHDU(cube).writeto(buffer)
    np.testing.assert_array_equal(decode_image(buffer.getvalue(), "a"), cube[:, ::-1])


# Decoding


def test_bands_are_found_by_their_names():
    cube = noise(4, 6, 6)
    whole = decode_image(cutout_fits(bands="grz", cube=cube[:3]), "a")
    np.testing.assert_array_equal(
        decode_image(cutout_fits(bands="zirg", cube=cube[[2, 3, 1, 0]]), "a"), whole
    )


def test_a_two_dimensional_image_is_one_band():
    assert decode_image(cutout_fits(cube=noise(6, 6)), "a").shape == (1, 6, 6)


@pytest.mark.parametrize("picture_format", ["PNG", "JPEG"])
def test_pictures_are_recognised_by_their_bytes(picture_format):
    rgb = np.random.default_rng(0).integers(0, 255, (10, 12, 3), np.uint8)
    decoded = decode_image(encode(rgb, picture_format, quality=95), "a.fits")
    assert (decoded.shape, decoded.dtype) == (rgb.shape, np.uint8)
    if picture_format == "PNG":
        np.testing.assert_array_equal(decoded, rgb)


def test_a_few_missing_pixels_become_zero():
    cube = noise(3, 10, 10)
    cube[0, 0, :5], cube[1, 3] = np.nan, 0
    decoded = decode_image(cutout_fits(cube=cube), "a", max_missing_share=0.1)
    assert np.isfinite(decoded).all()
    assert (decoded == 0).sum() == 15


def test_too_many_missing_pixels_in_one_band_are_refused():
    for missing in (np.nan, np.inf, 0):
        cube = noise(3, 10, 10)
        cube[2, :3] = missing
        data = cutout_fits(cube=cube)
        assert reason_of(data, max_missing_share=0.29) == "missing-pixels"
        assert decode_image(data, "a", max_missing_share=0.3).shape == (3, 10, 10)


@pytest.mark.parametrize("value", [0, np.nan, 0.3])
def test_a_flat_image_is_empty_and_a_flat_band_missing(value):
    cube = np.full((3, 8, 8), value, np.float32)
    assert reason_of(cutout_fits(cube=cube)) == "empty-sky"
    cube[0] = noise(8, 8)
    assert reason_of(cutout_fits(cube=cube)) == "missing-band"
    assert reason_of(encode(np.full((8, 8, 3), [1, 2, 3], np.uint8), "PNG")) == "empty-sky"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"  \n<!DOCTYPE HTML><html>", "html-page"),
        (b"<html><body>sorry", "html-page"),
        (b"no overlap", "not-an-image"),
        (b"GIF89a" + bytes(50), "not-an-image"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"\xff\xd8\xff\xe0", "truncated"),
        (cutout_fits(bands="gr"), "missing-band"),
        (cutout_fits(cube=noise(2, 2, 2, 2)), "not-an-image"),
        (cutout_fits(cube=noise(5)), "not-an-image"),
    ],
)
def test_data_without_a_usable_image_have_a_reason(data, reason):
    assert reason_of(data) == reason


@pytest.mark.filterwarnings("ignore")
def test_a_file_that_would_fill_the_memory_is_refused():
    # Pillow itself warns of the first and refuses the second.
    assert reason_of(png_bomb(10_000, 9_000)) == "too-large"
    assert reason_of(png_bomb(40_000, 40_000)) == "too-large"
    header = cutout_fits().replace(
        b"NAXIS1  =                   64", b"NAXIS1  =              9999999"
    )
    assert reason_of(header) == "too-large"
    assert reason_of(cutout_fits(64), max_pixels=64 * 64 * 3 - 1) == "too-large"


SAMPLES = {
    "FITS": cutout_fits(60),
    "JPEG": encode(np.random.default_rng(0).integers(0, 255, (48, 48, 3), np.uint8), "JPEG"),
    "PNG": encode(np.random.default_rng(0).integers(0, 255, (48, 48, 3), np.uint8), "PNG"),
}


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
@pytest.mark.parametrize("kind", SAMPLES)
@given(share=st.floats(0, 0.99))
def test_a_file_cut_short_is_reported_as_truncated(kind, share):
    data = SAMPLES[kind]
    with pytest.raises(FetchError) as caught:
        decode_image(data[: int(share * len(data))], "a galaxy")
    start_only = int(share * len(data)) < 16
    assert caught.value.reason == "truncated" or start_only


@pytest.mark.filterwarnings("ignore")
@given(kind=st.sampled_from(sorted(SAMPLES)), places=st.lists(st.floats(0, 0.999), max_size=30),
       value=st.integers(0, 255))  # fmt: skip
def test_damage_gives_an_image_or_a_reason_and_no_other_error(kind, places, value):
    data = bytearray(SAMPLES[kind])
    for place in places:
        data[int(place * len(data))] = value
    try:
        image = decode_image(bytes(data), "a galaxy")
    except FetchError:
        return
    assert image.ndim == 3


def test_a_jpeg_round_trip_changes_little():
    rgb = images.to_thumbnail(decode_image(cutout_fits(120), "blob"), 200, COLOUR)
    back = images.from_jpeg(images.to_jpeg(rgb, 90))
    assert back.shape == rgb.shape
    assert np.abs(back.astype(int) - rgb).mean() < 6
    assert images.is_jpeg(images.to_jpeg(rgb, 90))


# Pictures in which nothing can be seen


def complaint(cube, **options):
    image = decode_image(cutout_fits(cube=cube.astype(np.float32)), "g1", **options)
    with pytest.raises(FetchError) as caught:
        images.check_contrast(images.to_thumbnail(image, 64, COLOUR), image, "g1")
    assert caught.value.reason == "no-contrast"
    return caught.value.detail


@pytest.mark.parametrize(
    ("cube", "level"),
    [
        (noise(3, 64, 64) * 50 + 200, "white"),  # counts with sky
        (noise(3, 64, 64) - 5, "black"),  # sky subtracted twice
        (noise(3, 64, 64) * 1e-9, "black"),  # maggies
        (noise(3, 64, 64) * 0.01 + 0.3, "one grey"),
    ],
)
def test_a_picture_of_one_level_is_refused_with_the_key_for_its_unit(cube, level):
    message = complaint(cube)
    assert f"g1 is nearly all {level};" in message
    assert "'images.units' in 'surveys.<name>'" in message


def test_a_picture_with_a_small_galaxy_on_black_is_kept():
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[30:33, 30:33] = 90
    images.check_contrast(rgb, rgb, "a")
    with pytest.raises(FetchError, match=r"nearly all white$"):
        images.check_contrast(255 - rgb, rgb, "a")


# Real cutouts


@pytest.mark.parametrize("name", ["example_a", "example_b"])
def test_real_cutouts_look_as_galaxy_zoo_showed_them(shared_data, name):
    """Sky level and colour noise as in pictures that Galaxy Zoo made (of other galaxies)."""
    real = shared_data / "decals_fits"
    data = (real / f"{name}.fits").read_bytes()
    rgb = images.to_thumbnail(decode_image(data, name, max_missing_share=0.0), 424, COLOUR)
    shown = np.asarray(Image.open(real / f"{name}.png").convert("RGB"))
    for picture in (rgb, shown):
        assert 15 < np.median(picture) < 35, "a sky that is dark but not black"
        colourfulness = np.median(np.ptp(picture.astype(int), axis=2))
        assert 6 < colourfulness < 15, "noise with little colour, but some"
    centre = rgb[202:222, 202:222].mean()
    assert centre > 120, "the galaxy is in the middle"
