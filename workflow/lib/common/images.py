"""From image files to pictures: decoding, resampling, rescaling and colour (Sec. 2.1).

There are two kinds of image, recognised by their dtype: a float32 cube (bands, H, W) in nanomaggies
and a uint8 picture (H, W, 3). Both have north up and east left, with row 0 at the top.
"""

from collections.abc import Mapping
from io import BytesIO

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from workflow.lib.common.errors import FetchError
from workflow.lib.common.fits_images import (
    BLOCK,
    GZIP_MAGIC,
    inflated,
    read_fits,
    to_nanomaggies,
)
from workflow.lib.common.pictures import is_flat, read_picture

FITS_MAGIC = b"SIMPLE  ="
JPEG_MAGIC = b"\xff\xd8\xff"
MAX_PIXELS = 2**26
"""Largest image that is decoded, unless a caller allows less."""
HEADERS = 2**20
"""Bytes that a FITS file may have besides its pixels, if it is compressed."""
PICTURE_FORMATS = {JPEG_MAGIC: "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")
WHITE, BLACK, MOST = 250, 20, 0.98
"""A picture is white if most of it is at least so bright; black if nothing in it is brighter."""
LEAST_CONTRAST = 6
"""A picture is one grey if its darkest and brightest pixels are not farther apart."""
INTERPOLATION = Image.Resampling.BICUBIC
"""The interpolation used everywhere. Pillow widens the kernel to shrink images: no aliasing."""


def decode_image(
    data: bytes,
    name: str,
    *,
    bands: str = "grz",
    order: str = "",
    units: str | float | None = None,
    max_missing_share: float = 1.0,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Decode a FITS (also gzipped), JPEG or PNG image, recognised by its first bytes.

    Parameters
    ----------
    data
        The whole file.
    name
        Its name in error messages.
    bands
        The bands to take from a FITS image, one letter each, in order.
    order, units
        As for `fits_images.read_fits` and `fits_images.to_nanomaggies`.
    max_missing_share
        The largest share of pixels that may be missing in any band of a FITS image: 0, as the
        survey marks them, or not finite. Missing pixels become 0.
    max_pixels
        The largest number of pixels to decode: a small file can announce a picture that fills the
        memory.

    Returns
    -------
    numpy.ndarray
        FITS: float32 (bands, H, W), nanomaggies; a two-dimensional image is one band. JPEG and
        PNG: uint8 (H, W, 3); transparent pixels are missing, and become black. North is up and
        east left; JPEG and PNG files are assumed to have this orientation.

    Raises
    ------
    FetchError
        If there is no usable image in `data`, with the reason.
    """
    if data.startswith(GZIP_MAGIC):
        data = inflated(data, 8 * max_pixels + HEADERS, name)
    if data.startswith(FITS_MAGIC):
        return _decode_fits(data, name, bands, order, units, max_missing_share, max_pixels)
    for magic, picture_format in PICTURE_FORMATS.items():
        if data.startswith(magic):
            return read_picture(data, name, picture_format, max_missing_share, max_pixels)
    if not data:
        raise FetchError("truncated", f"{name} is empty", transient=True)
    if data.lstrip()[:64].lower().startswith(HTML_STARTS):
        raise FetchError("html-page", f"{name} is a web page, not an image", transient=True)
    raise FetchError("not-an-image", f"{name} starts with {data[:8]!r}: not FITS, JPEG or PNG")


def thumbnail_pixel_scale(
    petro_th50: ArrayLike,
    petro_th90: ArrayLike,
    *,
    per_th50: float,
    per_th90: float,
    minimum: float,
) -> np.ndarray:
    """Pixel scale of the thumbnail, set by the galaxy's radius (footnote 3 of Sec. 2.1).

    Parameters
    ----------
    petro_th50, petro_th90
        Radii holding 50% and 90% of the Petrosian flux [arcsec], numbers or arrays.
    per_th50, per_th90
        Pixel scale per radius [1/pixel]; the smaller of the two scales is used.
    minimum
        The smallest pixel scale [arcsec/pixel].

    Returns
    -------
    numpy.ndarray
        ``max(min(petro_th50 * per_th50, petro_th90 * per_th90), minimum)`` [arcsec/pixel], of the
        radii's shape.
    """
    by_th50, by_th90 = np.multiply(petro_th50, per_th50), np.multiply(petro_th90, per_th90)
    return np.maximum(np.minimum(by_th50, by_th90), minimum)


def native_size(pixel_scale: float, thumbnail_size: int, native_pixel_scale: float) -> int:
    """Side of the cutout that covers the thumbnail's sky at the telescope's resolution [pixel].

    Parameters
    ----------
    pixel_scale
        Pixel scale of the thumbnail, from `thumbnail_pixel_scale` [arcsec/pixel].
    thumbnail_size
        Side of the thumbnail [pixel].
    native_pixel_scale
        Pixel scale of the telescope [arcsec/pixel].
    """
    return round(thumbnail_size * pixel_scale / native_pixel_scale)


def resample(image: np.ndarray, size: int) -> np.ndarray:
    """Interpolate an image to `size` x `size` pixels (Sec. 2.1).

    Values stay surface brightness (per native pixel) and do not become flux per new pixel: a
    constant image keeps its value. If the image is not square, its central square is taken.

    Parameters
    ----------
    image
        float32 (bands, H, W) or uint8 (H, W, 3).

    Returns
    -------
    numpy.ndarray
        float32 (bands, size, size) or uint8 (size, size, 3).
    """
    if image.dtype == np.uint8:
        return _resize(_central_square(image, 0, 1), size)
    return np.stack([_resize(band, size) for band in _central_square(image, 1, 2)])


def rescale_to_rgb(
    cube: np.ndarray,
    *,
    scales: Mapping[str, float],
    arcsinh_range: tuple[float, float],
    desaturation: float,
) -> np.ndarray:
    """Turn nanomaggies into a colour picture, as Galaxy Zoo DECaLS showed it (Sec. 2.1, [code]).

    Each band is divided by its scale, and the arcsinh of the result is mapped linearly, so that
    `arcsinh_range` becomes 0 to 1. A pixel in which one band dominates is mostly noise, and is
    made greyer: with a the pixel's mean over the bands and
    w = sin(pi/2 (1 - min(1, max(x/a) / desaturation))), x becomes
    x w + a (1 - w) + a (1 - w)^2 x.

    Parameters
    ----------
    cube
        float (bands, H, W), nanomaggies in the order of `scales`. A single band gives a grey
        picture, on the middle band's scale.
    scales
        Nanomaggies that become 1 before the arcsinh, for each band from blue to red.
    arcsinh_range
        Scaled brightness that is shown as black and as white.
    desaturation
        Ratio of the brightest band to the mean from which a pixel is made as grey as possible.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3): red is the last band, blue the first.
    """
    divisors = np.array(list(scales.values()), dtype=np.float32)
    if len(cube) == 1:
        cube, divisors = np.repeat(cube, len(divisors), axis=0), np.median(divisors)
    low, high = map(float, np.arcsinh(arcsinh_range))  # NumPy's own would make all of it float64
    scaled = (np.arcsinh(cube / divisors.reshape(-1, 1, 1)) - low) / (high - low)
    vivid = _desaturated(scaled, desaturation)
    return np.rint(255 * np.clip(vivid[::-1], 0, 1)).astype(np.uint8).transpose(1, 2, 0)


def to_thumbnail(image: np.ndarray, size: int, colour: Mapping) -> np.ndarray:
    """Make the colour thumbnail: interpolate first, then rescale the brightness (Sec. 2.1).

    Parameters
    ----------
    image
        From `decode_image`. A picture is only interpolated: it has its colours already.
    size
        Side of the thumbnail [pixel].
    colour
        Keyword arguments of `rescale_to_rgb`.

    Returns
    -------
    numpy.ndarray
        uint8 (size, size, 3).
    """
    small = resample(image, size)
    return small if small.dtype == np.uint8 else rescale_to_rgb(small, **colour)


def thumbnail_of(
    data: bytes,
    name: str,
    *,
    thumbnail_size: int,
    colour: Mapping,
    max_missing_share: float,
    order: str = "",
    units: str | float | None = None,
    max_pixels: int = MAX_PIXELS,
) -> tuple[np.ndarray, np.ndarray]:
    """Decode an image file and draw its thumbnail, in which a galaxy must be seen.

    Parameters
    ----------
    data, name, max_missing_share, order, units, max_pixels
        As for `decode_image`.
    thumbnail_size
        Side of the thumbnail [pixel].
    colour
        Keyword arguments of `rescale_to_rgb`.

    Returns
    -------
    thumbnail, image : numpy.ndarray
        By `to_thumbnail` and by `decode_image`.

    Raises
    ------
    FetchError
        As for `decode_image` and `check_contrast`.
    """
    image = decode_image(
        data,
        name,
        bands="".join(colour["scales"]),
        order=order,
        units=units,
        max_missing_share=max_missing_share,
        max_pixels=max_pixels,
    )
    rgb = to_thumbnail(image, thumbnail_size, colour)
    check_contrast(rgb, image, name)
    return rgb, image


def check_contrast(rgb: np.ndarray, image: np.ndarray, name: str) -> None:
    """Refuse a thumbnail in which no galaxy can be seen.

    Parameters
    ----------
    rgb
        uint8 (H, H, 3).
    image
        What it was drawn from.
    name
        Its name in error messages.

    Raises
    ------
    FetchError
        If it is nearly all white, black or one grey.
    """
    # As many pixels are at most so bright, for each of the 766 sums of three channels.
    pixels = np.cumsum(np.bincount(_sum(rgb).ravel(), minlength=3 * 255 + 1))
    dark, bright = np.searchsorted(pixels, [0.001 * pixels[-1], 0.999 * pixels[-1]]) / 3
    if (pixels[-1] - pixels[3 * WHITE - 1]) / pixels[-1] >= MOST:
        level = "white"
    elif bright <= BLACK:
        level = "black"
    elif bright - dark <= LEAST_CONTRAST:
        level = "one grey"
    else:
        return
    raise FetchError(
        "no-contrast",
        f"the picture of {name} is nearly all {level}"
        + (
            "; if the file is not in nanomaggies without sky, say what it is in by 'images.units' "
            "in 'surveys.<name>'"
            if image.dtype != np.uint8
            else ""
        ),
    )


def grey(rgb: np.ndarray, size: int, field: float = 1) -> np.ndarray:
    """Average the channels and interpolate once to the size the network reads (Sec. 2.2).

    Parameters
    ----------
    rgb
        uint8 (H, H, 3).
    size
        Side of the result [pixel].
    field
        Share of the side to keep, around the middle.

    Returns
    -------
    numpy.ndarray
        uint8 (size, size).
    """
    return _to_bytes(_resize(_sum(_middle(rgb, field)).astype(np.float32) / np.float32(3), size))


def colour_image(rgb: np.ndarray, size: int, field: float = 1) -> np.ndarray:
    """Interpolate like `grey`, for networks that read colours; uint8 (size, size, 3)."""
    channels = _middle(rgb, field).astype(np.float32)
    return _to_bytes(np.stack([_resize(channels[:, :, i], size) for i in range(3)], axis=2))


def _middle(rgb: np.ndarray, field: float) -> np.ndarray:
    side = len(rgb)
    kept = max(1, round(side * field))
    first = (side - kept) // 2
    return rgb[first : first + kept, first : first + kept]


def _sum(rgb: np.ndarray) -> np.ndarray:
    """Add the channels: several times as fast as by NumPy's sum over the last axis."""
    return rgb[..., 0].astype(np.uint16) + rgb[..., 1] + rgb[..., 2]


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def to_jpeg(rgb: np.ndarray, quality: int) -> bytes:
    """Compress a uint8 (H, W, 3) picture as JPEG, with `quality` from 1 to 95."""
    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()


def from_jpeg(data: bytes) -> np.ndarray:
    """Decompress a JPEG that this workflow made to uint8 (H, W, 3)."""
    with Image.open(BytesIO(data), formats=["JPEG"]) as picture:
        return np.asarray(picture.convert("RGB"))


def is_jpeg(data: bytes) -> bool:
    """Whether `data` starts as a JPEG does."""
    return data.startswith(JPEG_MAGIC)


def _decode_fits(
    data: bytes,
    name: str,
    bands: str,
    order: str,
    units: str | float | None,
    max_missing_share: float,
    max_pixels: int,
) -> np.ndarray:
    if len(data) % BLOCK:
        raise FetchError("truncated", f"{name} ends after {len(data)} bytes", transient=True)
    try:
        cube, header = read_fits(data, name, bands, order, max_pixels)
    except FetchError:
        raise
    except MemoryError as error:
        raise FetchError("too-large", f"{name} takes more memory than there is") from error
    except Exception as error:  # astropy raises all kinds of errors for damaged files
        raise FetchError("truncated", f"{name} is damaged: {error}", transient=True) from error
    missing = _check_pixels(cube, name, max_missing_share)
    if not missing.any():
        return to_nanomaggies(cube, header, units, name)
    cube = to_nanomaggies(np.where(missing, np.nan, cube), header, units, name)
    return np.nan_to_num(cube, nan=0.0, posinf=0.0, neginf=0.0)


def _check_pixels(cube: np.ndarray, name: str, max_missing_share: float) -> np.ndarray:
    """Say which pixels are missing; refuse an image with too many, or with nothing in a band."""
    missing = (cube == 0) | ~np.isfinite(cube)
    shares = missing.mean(axis=(1, 2))
    flat = [is_flat(band[~gone]) for band, gone in zip(cube, missing, strict=True)]
    if all(flat):
        raise FetchError("empty-sky", f"{name} shows nothing")
    if any(flat):
        raise FetchError("missing-band", f"{name} shows nothing in one of its bands")
    if shares.max() > max_missing_share:
        raise FetchError("missing-pixels", f"{shares.max():.0%} of a band is missing in {name}")
    return missing


def _central_square(image: np.ndarray, row_axis: int, column_axis: int) -> np.ndarray:
    side = min(image.shape[row_axis], image.shape[column_axis])
    cut = [slice(None)] * image.ndim
    for axis in (row_axis, column_axis):
        start = (image.shape[axis] - side) // 2
        cut[axis] = slice(start, start + side)
    return image[tuple(cut)]


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((size, size), INTERPOLATION))


def _desaturated(scaled: np.ndarray, desaturation: float) -> np.ndarray:
    mean = scaled.mean(axis=0)
    # Where the mean is not above black there is no colour to keep: w = 0, its limit as a -> 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        dominance = np.where(mean > 0, scaled.max(axis=0) / mean, np.inf)
    kept = np.sin(np.pi / 2 * (1 - np.minimum(1, dominance / desaturation)))
    lost = 1 - kept
    return scaled * kept + mean * lost + mean * lost**2 * scaled
