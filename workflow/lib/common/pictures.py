"""JPEG and PNG files: depth, transparency and palettes are read as the file says, or refused."""

from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from workflow.lib.common.errors import FetchError

PNG_DEPTH = 24
"""Where a PNG says how many bits a channel has."""


def read_picture(
    data: bytes, name: str, picture_format: str, max_missing_share: float, max_pixels: int
) -> np.ndarray:
    """Read a JPEG or PNG; the parameters and errors are those of `images.decode_image`.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).
    """
    try:
        with Image.open(BytesIO(data), formats=[picture_format]) as picture:
            if picture.width * picture.height > max_pixels:
                raise FetchError("too-large", f"{name} has {picture.size} pixels")
            if picture_format == "PNG" and data[PNG_DEPTH] == 16:
                _check_range(picture, name)
            clear = picture.has_transparency_data
            pixels = np.asarray(_eight_bits(picture).convert("RGBA" if clear else "RGB"))
    except Image.DecompressionBombError as error:
        raise FetchError("too-large", f"{name}: {error}") from error
    except MemoryError as error:
        raise FetchError("too-large", f"{name} takes more memory than there is") from error
    except UnidentifiedImageError as error:
        raise FetchError("truncated", f"{name} ends in its header", transient=True) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise FetchError("truncated", f"{name}: {error}", transient=True) from error
    rgb = _on_black(pixels, name, max_missing_share) if clear else pixels
    if all(is_flat(channel) for channel in rgb.reshape(-1, 3).T):
        raise FetchError("empty-sky", f"{name} shows nothing")
    return rgb


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Convert a grey picture of 16 bits, of which Pillow's own conversion clips the upper ones."""
    if picture.mode.startswith("I"):
        return Image.fromarray(np.rint(np.asarray(picture) / 257).astype(np.uint8))
    return picture


def _check_range(picture: Image.Image, name: str) -> None:
    """Refuse a picture of 16 bits that uses only the lower ones: it would be nearly black."""
    # Pillow gives the upper 8 bits of a picture in colour, and all bits of a grey one.
    largest = int(np.asarray(picture)[..., :3].max() if picture.mode != "I;16" else
                  np.asarray(picture).max() >> 8)  # fmt: skip
    if largest < 64:
        raise FetchError(
            "no-contrast",
            f"{name} has 16 bits a channel and uses only the lower {8 + largest.bit_length()}; "
            "scale its values to 65535, or save it with 8 bits",
        )


def _on_black(rgba: np.ndarray, name: str, max_missing_share: float) -> np.ndarray:
    """Lay a picture on black; refuse it if too many of its pixels are transparent."""
    share = float((rgba[..., 3] == 0).mean())
    if share > max_missing_share:
        raise FetchError("missing-pixels", f"{share:.0%} of {name} is transparent")
    return np.rint(rgba[..., :3] * (rgba[..., 3:] / np.float32(255))).astype(np.uint8)


def is_flat(values: np.ndarray) -> bool:
    """Say whether all of the values are equal."""
    return values.size == 0 or bool(values.min() == values.max())
