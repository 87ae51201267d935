"""FITS images: their axes, bands and units. What a file does not say is refused, not guessed."""

import re
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from astropy.io import fits

from workflow.lib.common.errors import FetchError

BLOCK = 2880
"""A FITS file is a whole number of blocks of this size [byte]."""

GZIP_MAGIC, HCOMPRESS_MAGIC = b"\x1f\x8b", b"\xdd\x99"

MAX_PLANES = 16
"""An axis with more pixels than this is not an axis of bands."""

SCIENCE = {"sci", "science", "image"}
NOT_SCIENCE = {
    "weight", "weights", "wht", "wt", "ivar", "invvar", "var", "variance", "err", "error", "rms",
    "sigma", "std", "noise", "mask", "maskbits", "dq", "flag", "flags", "psf", "psfex", "exp",
    "nexp", "con", "bkg", "background", "area",
}  # fmt: skip
"""Words in an EXTNAME that say what an image is: the sky itself, or something about it."""

NANOMAGGIES = {
    "nanomaggies": 1.0,
    "maggies": 1e9,
    "Jy": 1 / 3.631e-6,
    "mJy": 1e-3 / 3.631e-6,
    "uJy": 1e-6 / 3.631e-6,
}
"""Nanomaggies in each unit: magnitude 0 is 3631 Jy."""

SPELLINGS = {
    "": "nanomaggies",
    "nanomaggy": "nanomaggies",
    "nmgy": "nanomaggies",
    "maggy": "maggies",
    "mgy": "maggies",
    "jy/pixel": "Jy",
    "mjy/pixel": "mJy",
    "ujy/pixel": "uJy",
} | {unit.lower(): unit for unit in NANOMAGGIES}

COUNTS_NOISE = 0.0033
"""Noise that an image in counts is given [nanomaggies/pixel]: that of DECaLS in r."""


def read_fits(
    data: bytes, name: str, bands: str, order: str, max_pixels: int
) -> tuple[np.ndarray, fits.Header]:
    """Read the bands of a FITS image, as stored.

    Parameters
    ----------
    data, name, bands, max_pixels
        As for `images.decode_image`.
    order
        The file's bands: a letter for each plane, or for each two-dimensional image; ``-`` for one
        to leave out. One letter gives one band. If empty, the file must say it (`BANDS`, `BAND0`,
        ..., or the names of its images), or have exactly `bands`.

    Returns
    -------
    cube : numpy.ndarray
        Shape (bands, H, W), float32, with north up and east left. One band for a two-dimensional
        image.
    header : astropy.io.fits.Header
        Of the first of the images.

    Raises
    ------
    FetchError
        If it cannot be known which numbers are the bands, with the key that says it.
    """
    _check_tiles(data, name, max_pixels)
    if len(one := order.replace("-", "")) == 1:
        bands = one
    with fits.open(BytesIO(data), memmap=False) as hdus:
        chosen, order = _choose(hdus, name, bands, order)
        if sum(np.prod(hdu.shape, dtype=float) for hdu in chosen) > max_pixels:
            raise FetchError("too-large", f"{name} has {chosen[0].shape} pixels")
        header = chosen[0].header
        if len(chosen) > 1:
            cube, named = np.stack([_without_ones(hdu.data) for hdu in chosen]), order
        else:
            cube, named = _without_ones(chosen[0].data), order or _names(header)
        last = cube.ndim == 3 and _bands_are_last(cube.shape, name, named or bands)
        cube = np.moveaxis(cube, -1, 0) if last else cube
        if cube.ndim == 2 or (len(cube) == 1 and not named):
            cube = cube.reshape(1, *cube.shape[-2:])
        else:
            cube = cube[_planes(named, len(cube), bands, name)]
        return _north_up(cube.astype(np.float32), header, last), header


def to_nanomaggies(
    cube: np.ndarray, header: fits.Header, units: str | float | None, name: str
) -> np.ndarray:
    """Convert an image to nanomaggies.

    Parameters
    ----------
    cube
        Shape (bands, H, W).
    header
        Its `BUNIT` is used if `units` is None; without that it is in nanomaggies.
    units
        One of `NANOMAGGIES`; a number of nanomaggies; or ``counts``: the sky, which is the median
        of the band, is subtracted, and the band scaled to a noise of `COUNTS_NOISE`.

    Returns
    -------
    numpy.ndarray
        As `cube`.

    Raises
    ------
    FetchError
        If the unit is not known, or counts have no noise to scale by.
    """
    if units == "counts":
        sky = np.nanmedian(cube, axis=(1, 2), keepdims=True)
        noise = 1.4826 * np.nanmedian(np.abs(cube - sky), axis=(1, 2), keepdims=True)
        if not (noise > 0).all():
            raise FetchError("unknown-unit", f"{name}: a band's counts are equal in most pixels")
        return ((cube - sky) * (COUNTS_NOISE / noise)).astype(np.float32)
    if units is None:
        stated = str(header.get("BUNIT", "")).strip()
        units = SPELLINGS.get(stated.lower().replace(" ", ""))
        if units is None:
            raise FetchError(
                "unknown-unit", f"{name} is in '{stated[:20]}'; say what that is by {_key('units')}"
            )
    factor = NANOMAGGIES[units] if isinstance(units, str) else units
    return cube if factor == 1 else (cube * np.float32(factor))


def inflated(data: bytes, most: int, name: str) -> bytes:
    """Decompress gzip data; refuse it if there are more than `most` bytes in it."""
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    content = stream.decompress(data, most + 1)
    if len(content) > most:
        raise FetchError("too-large", f"{name} unpacks to more than {most} bytes")
    if not stream.eof:
        raise FetchError("truncated", f"{name} ends before its compressed data do", transient=True)
    return content


def _check_tiles(data: bytes, name: str, max_pixels: int) -> None:
    """Refuse compressed tiles that hold more pixels than the header says: they fill the memory."""
    if b"ZIMAGE" not in data:
        return
    with fits.open(BytesIO(data), memmap=False, disable_image_compression=True) as hdus:
        for hdu in hdus:
            if not (isinstance(hdu, fits.BinTableHDU) and hdu.header.get("ZIMAGE")):
                continue
            sides = list(hdu.header["ZTILE*"].values()) or [hdu.header["ZNAXIS1"]]
            pixels = int(np.prod(sides, dtype=float))
            if pixels > max_pixels:
                raise FetchError("too-large", f"{name} has tiles of {pixels} pixels")
            for column in {"COMPRESSED_DATA", "GZIP_COMPRESSED_DATA"} & set(hdu.columns.names):
                for tile in hdu.data[column]:
                    _check_tile(np.asarray(tile).astype(np.uint8).tobytes(), pixels, name)


def _check_tile(tile: bytes, pixels: int, name: str) -> None:
    if tile.startswith(GZIP_MAGIC):
        inflated(tile, 8 * pixels, name)
    elif tile.startswith(HCOMPRESS_MAGIC):
        sides = np.frombuffer(tile[2:10], ">u4").astype(float)
        if sides.prod() > pixels:
            raise FetchError("too-large", f"{name} has a tile of more than {pixels} pixels")


def _key(key: str) -> str:
    return f"'images.{key}' in 'surveys.<name>'"


def _choose(hdus: fits.HDUList, name: str, bands: str, order: str) -> tuple[list[Any], str]:
    """Choose the images that hold the bands, and say which bands they are, if that is known."""
    images = [hdu for hdu in hdus if hdu.is_image and _dimensions(hdu) in (2, 3)]
    sky = [hdu for hdu in images if not _words(hdu) & NOT_SCIENCE]
    if not sky:
        raise FetchError(
            "not-an-image",
            f"{name} holds no image of two or three axes"
            + " except weights or masks" * bool(images),
        )
    flat = [hdu for hdu in sky if _dimensions(hdu) == 2]
    if len(sky) == 1:
        return sky, "" if flat else order
    if order and len(flat) == len(order):
        return flat, order
    science = [hdu for hdu in sky if _words(hdu) & SCIENCE]
    if len(science) == 1:
        return science, "" if _dimensions(science[0]) == 2 else order
    named = {_band(hdu): hdu for hdu in flat}
    if set(bands) <= set(named) and len({hdu.shape for hdu in flat}) == 1:
        return [named[band] for band in bands], bands
    raise FetchError(
        "unknown-bands",
        f"{name} holds {len(sky)} images without names of bands; name those of all by "
        f"{_key('bands')}, with - for one to leave out",
    )


def _dimensions(hdu: Any) -> int:
    """Count the axes of an image, without those in front that are one pixel long."""
    shape = list(hdu.shape)
    while len(shape) > 3 and shape[0] == 1:
        del shape[0]
    return len(shape)


def _without_ones(image: np.ndarray) -> np.ndarray:
    return image.reshape(image.shape[-3:]) if image.ndim > 3 else image


def _words(hdu: Any) -> set[str]:
    return set(re.findall(r"[a-z]+", str(hdu.name).lower()))


def _band(hdu: Any) -> str:
    """Give the band of an image by its name or filter: the first word that is one letter."""
    header = hdu.header
    said = " ".join(str(header.get(key, "")) for key in ("BAND", "FILTER")) + f" {hdu.name.lower()}"
    return next(iter(re.findall(r"\b[A-Za-z]\b", said.replace("_", " "))), "")


def _names(header: fits.Header) -> str:
    """Give the bands that a header names, a letter each; empty if it does not name them so."""
    if "BANDS" in header:
        return "".join(re.findall(r"[A-Za-z]", str(header["BANDS"])))
    for first in (0, 1):
        names: list[str] = []
        while (key := f"BAND{first + len(names)}") in header:
            names.append(str(header[key]).strip())
        if names and all(len(band) == 1 for band in names):
            return "".join(names)
    return ""


def _bands_are_last(shape: Sequence[int], name: str, bands: str) -> bool:
    """Say whether the bands are along the last axis of a cube rather than the first."""
    first, last = shape[0] <= MAX_PLANES, shape[2] <= MAX_PLANES
    if first and last:  # a very small image
        first, last = shape[0] in (1, len(bands)), shape[2] in (1, len(bands))
        first = first or not last
    if not (first or last):
        raise FetchError("not-an-image", f"{name} has axes of {tuple(shape)} pixels: none of bands")
    return not first


def _planes(names: str, count: int, bands: str, name: str) -> list[int]:
    """Find the planes of the wanted bands."""
    names = names or (bands if count == len(bands) else "")
    if len(names) != count:
        said = f"{names} for its" if names else "no names for its"
        reason = "missing-band" if count < len(bands) else "unknown-bands"
        raise FetchError(
            reason,
            f"{name} has {said} {count} bands; name them in order by {_key('bands')}, "
            "with - for one to leave out",
        )
    missing = [band for band in bands if band not in names]
    if missing:
        raise FetchError("missing-band", f"{name} has no {', '.join(missing)} band")
    return [names.index(band) for band in bands]


def _north_up(cube: np.ndarray, header: fits.Header, bands_last: bool) -> np.ndarray:
    # The first FITS axis is the last of the array.
    x = 2 if bands_last and not str(header.get("CTYPE1", "")).startswith("RA") else 1
    y = x + 1
    east = header.get(f"CD{x}_{x}", header.get(f"PC{x}_{x}", 1) * header.get(f"CDELT{x}", -1))
    north = header.get(f"CD{y}_{y}", header.get(f"PC{y}_{y}", 1) * header.get(f"CDELT{y}", 1))
    columns = slice(None, None, -1 if east > 0 else 1)
    rows = slice(None, None, -1 if north > 0 else 1)
    return np.ascontiguousarray(cube[:, rows, columns])
