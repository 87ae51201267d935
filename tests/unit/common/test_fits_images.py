"""FITS images: axes, bands and units are read right where a file says them, and refused else."""

import gzip
from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits

from workflow.lib.common.errors import FetchError
from workflow.lib.common.fits_images import COUNTS_NOISE
from workflow.lib.common.images import decode_image

SKY = np.random.default_rng(0).normal(0.1, 0.02, (4, 30, 40)).astype(np.float32)
"""Planes of g, r, i and z."""
GRZ = SKY[[0, 1, 3]]
SHOWN = GRZ[:, ::-1]
"""The bands as an image without a WCS is shown: row 0 is in the south."""


def file_of(*planes, names=(), hdu=fits.ImageHDU, **header):
    """Give a FITS file of one image, or of several with their names."""
    hdus = [fits.PrimaryHDU(planes[0])] if len(planes) == 1 and hdu is fits.ImageHDU else []
    if not hdus:
        hdus = [fits.PrimaryHDU(), *map(hdu, planes)]
        for image, name in zip(hdus[1:], names, strict=False):
            image.name = name
    hdus[-1 if len(hdus) < 3 else 1].header.update(header)
    buffer = BytesIO()
    fits.HDUList(hdus).writeto(buffer)
    return buffer.getvalue()


def reason_of(data, **options):
    with pytest.raises(FetchError) as caught:
        decode_image(data, "g1", **options)
    assert "\n" not in caught.value.detail
    assert "g1" in caught.value.detail
    return f"{caught.value.reason}: {caught.value.detail}"


def last(cube):
    return np.moveaxis(cube, 0, -1)


NAMED = {f"BAND{number}": band for number, band in enumerate("griz")}

READABLE = {
    "bands last": file_of(last(GRZ)),
    "bands last and named": file_of(last(SKY), BANDS="griz"),
    "one in front": file_of(GRZ[np.newaxis]),
    "two ones in front": file_of(GRZ[np.newaxis, np.newaxis]),
    "named by numbers": file_of(SKY, **NAMED),
    "named from 1": file_of(SKY[::-1], BAND1="z", BAND2="i", BAND3="r", BAND4="g"),
    "named with commas": file_of(SKY, BANDS="g, r, i, z"),
    "compressed": file_of(GRZ, hdu=lambda data: fits.CompImageHDU(data, quantize_level=0,
                          compression_type="GZIP_1")),
    "gzipped": gzip.compress(file_of(GRZ)),
    "an image a band": file_of(*SKY, names="GRIZ"),
    "an image a band, in words": file_of(*SKY, names=["SCI_G", "SCI_R", "SCI_I", "SCI_Z"]),
    "weights between": file_of(
        SKY[0], SKY[0], SKY[1], SKY[1], SKY[3], names=["g", "wht_g", "r", "wht_r", "z"]
    ),
    "weights first": file_of(np.ones_like(GRZ), GRZ, names=["WEIGHT"]),
    "science first": file_of(GRZ, GRZ + 1, GRZ + 2, names=["SCI", "VAR_POISSON", "OTHER"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", READABLE)
def test_what_a_file_says_is_read(kind):
    np.testing.assert_array_equal(decode_image(READABLE[kind], "g1"), SHOWN)


@pytest.mark.parametrize(
    "data",
    [
        file_of(SKY[0]),
        file_of(SKY[:1]),
        file_of(last(SKY[:1])),
        file_of(SKY[0], SKY[1], names=["SCI", "ERR"]),
        file_of(np.ones((30, 40), np.float32), SKY[0], names=["MASK", ""]),
    ],
)
def test_a_single_plane_is_one_band(data):
    np.testing.assert_array_equal(decode_image(data, "g1"), SHOWN[:1])


@pytest.mark.parametrize(
    ("data", "order"),
    [
        (file_of(SKY), "griz"),
        (file_of(SKY), "gr-z"),
        (file_of(last(SKY)), "griz"),
        (file_of(GRZ[::-1]), "zrg"),
        (file_of(SKY, BANDS="ugri"), "griz"),
        (file_of(*SKY), "griz"),
        (file_of(*SKY[::-1], names=["", "", "", ""]), "z-rg"),
    ],
)
def test_the_configuration_says_what_the_file_does_not(data, order):
    np.testing.assert_array_equal(decode_image(data, "g1", order=order), SHOWN)


def test_one_letter_in_the_configuration_gives_one_band():
    np.testing.assert_array_equal(decode_image(file_of(SKY), "g1", order="--i-"), SKY[2:3, ::-1])


@pytest.mark.parametrize(
    "data",
    [
        file_of(SKY),  # four planes without names
        file_of(SKY[:2]),
        file_of(SKY, BANDS="grz"),
        file_of(SKY, BAND0="g1234", BAND1="r", BAND2="i", BAND3="z"),
        file_of(SKY[0], SKY[1]),
        file_of(*GRZ, names=["G", "R", "I"]),
        file_of(GRZ, GRZ),
    ],
)
def test_bands_that_cannot_be_known_are_refused_with_the_key_that_says_them(data):
    message = reason_of(data)
    assert message.startswith(("unknown-bands", "missing-band"))
    assert "'images.bands' in 'surveys.<name>'" in message


def test_images_that_are_not_of_the_sky_are_refused():
    assert reason_of(file_of(GRZ, GRZ, names=["WEIGHT", "MASK"])).startswith("not-an-image")
    assert reason_of(file_of(np.ones((30, 40, 50), np.float32))).startswith("not-an-image")
    assert reason_of(file_of(SKY[:3], BANDS="gri")) == "missing-band: g1 has no z band"


JANSKY = 3.631e-6  # of a nanomaggie


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("nanomaggy", 1), ("", 1), ("Jy", JANSKY), ("mJy", 1e3 * JANSKY), ("uJy / pixel", 3.631),
     ("maggies", 1e-9)],
)  # fmt: skip
def test_the_units_that_a_file_states_are_converted(unit, factor):
    found = decode_image(file_of(GRZ * np.float32(factor), BUNIT=unit), "g1")
    np.testing.assert_allclose(found, SHOWN, rtol=1e-5)


@pytest.mark.parametrize("unit", ["adu", "counts", "electron/s", "DN", "MJy/sr", "erg/s/cm2"])
def test_a_unit_that_does_not_say_how_bright_is_refused_with_its_key(unit):
    message = reason_of(file_of(GRZ, BUNIT=unit))
    assert message.startswith("unknown-unit")
    assert unit in message
    assert "'images.units' in 'surveys.<name>'" in message


def test_the_configuration_says_what_a_number_is():
    data = file_of(GRZ * 100, BUNIT="adu")
    np.testing.assert_allclose(decode_image(data, "g1", units=0.01), SHOWN, rtol=1e-6)
    np.testing.assert_allclose(decode_image(data, "g1", units="nanomaggies"), SHOWN * 100)


def test_counts_lose_their_sky_and_get_the_noise_of_the_survey():
    counts = 200 + 30 * (GRZ - 0.1)
    counts[0, 0, 0] = np.nan
    found = decode_image(file_of(counts), "g1", units="counts")
    np.testing.assert_allclose(np.median(found, axis=(1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=(1, 2)), COUNTS_NOISE, rtol=0.15)
    assert found[0, -1, 0] == 0


def test_counts_without_noise_are_refused():
    counts = np.zeros((3, 30, 40), np.float32) + 7
    counts[:, 10:14, 10:14] = 50
    assert reason_of(file_of(counts), units="counts").startswith("unknown-unit")


# Files that hold more than they say


def tiled(tile, algorithm="GZIP_1", sides=(10, 10)):
    column = fits.Column("COMPRESSED_DATA", "1PB()", array=np.array([list(tile)], dtype=object))
    hdu = fits.BinTableHDU.from_columns([column])
    header = {"ZIMAGE": True, "ZCMPTYPE": algorithm, "ZBITPIX": 32, "ZNAXIS": 2}
    header |= {"ZNAXIS1": 10, "ZNAXIS2": 10, "ZTILE1": sides[0], "ZTILE2": sides[1]}
    hdu.header.update(header)
    buffer = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        tiled(gzip.compress(bytes(10**6))),
        tiled(gzip.compress(bytes(10**6)), "RICE_1"),
        tiled(b"\xdd\x99" + np.array([9999, 9999], ">u4").tobytes() + bytes(50), "HCOMPRESS_1"),
        tiled(bytes(100), "RICE_1", sides=(10**5, 10**5)),
        gzip.compress(bytes(2**29 + 2**21)),
    ],
)
def test_a_file_that_unpacks_to_more_than_it_says_is_refused(data):
    assert reason_of(data).startswith("too-large")


def test_a_compressed_file_that_ends_early_is_truncated():
    assert reason_of(gzip.compress(file_of(GRZ))[:-100]).startswith("truncated")
