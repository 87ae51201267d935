"""The views of a galaxy that the network sees, drawn from (seed, iauname, epoch).

The paper (Sec. 2.2): a crop about a random centroid, an aliased (nearest) rotation by any angle,
and horizontal and vertical flips, drawn anew whenever an image is loaded. Nothing here depends on
the order, the batch or the process in which galaxies come.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
from keras import ops


class Views(NamedTuple):
    """How to look at each of n galaxies; every field is an array of shape (n,)."""

    angle: np.ndarray
    """Counter-clockwise rotation in radians, float32 in [0, 2 pi)."""
    flip_x: np.ndarray
    """Mirror left and right, float32 0 or 1."""
    flip_y: np.ndarray
    """Mirror up and down, float32 0 or 1."""
    left: np.ndarray
    """First column of the crop, int32 in [0, size - crop]."""
    top: np.ndarray
    """First row of the crop, int32 in [0, size - crop]."""


def name_keys(iaunames: Sequence[str]) -> np.ndarray:
    """Hash names to uint64 keys of shape (n,), the same on every machine."""
    digests = b"".join(hashlib.sha256(name.encode()).digest()[:8] for name in iaunames)
    return np.frombuffer(digests, dtype="<u8")


def draw_views(keys: np.ndarray, seed: int, epoch: int, size: int, crop: int) -> Views:
    """Draw the view of each galaxy in an epoch.

    Parameters
    ----------
    keys
        Shape (n,), uint64, from `name_keys`.
    seed, epoch
        With the name, all that the draw depends on.
    size, crop
        Sides [pixel] of the stored image and of the crop, ``crop <= size``.
    """
    start = _mix(_mix(np.full(1, seed, np.uint64)) ^ np.uint64(epoch))
    uniform = [
        _mix(_mix(keys ^ start) + np.uint64(number)) / np.float64(2**64) for number in range(5)
    ]
    shifts = [(values * (size - crop + 1)).astype(np.int32) for values in uniform[3:]]
    return Views(
        (uniform[0] * 2 * np.pi).astype(np.float32),
        (uniform[1] < 0.5).astype(np.float32),
        (uniform[2] < 0.5).astype(np.float32),
        *(np.minimum(shift, size - crop) for shift in shifts),
    )


def central_views(count: int, size: int, crop: int) -> Views:
    """Give `count` views that change nothing but crop the middle."""
    middle = np.full(count, (size - crop) // 2, np.int32)
    still = np.zeros(count, np.float32)
    return Views(still, still, still, middle, middle)


def apply_views(images: keras.KerasTensor, views: Views, crop: int) -> keras.KerasTensor:
    """Rotate, flip and crop in one nearest-pixel look-up, on whatever device holds the images.

    What a rotation brings in from outside the image is the image mirrored at its edge.

    Parameters
    ----------
    images
        Shape (n, size, size), uint8 or float32.
    views
        One view an image.
    crop
        Side of the crop [pixel].

    Returns
    -------
    tensor
        Shape (n, crop, crop, 1), float32, in the units of `images`.
    """
    count, size = images.shape[0], images.shape[1]
    rows, columns = ops.arange(crop, dtype="float32"), ops.arange(crop, dtype="float32")
    half = (size - 1) / 2
    # From the crop's pixel back to the stored one: uncrop, unflip, unrotate.
    y = (ops.cast(_each(views.top), "float32") + rows[None, :, None] - half) * _sign(views.flip_y)
    x = (ops.cast(_each(views.left), "float32") + columns[None, None, :] - half) * _sign(
        views.flip_x
    )
    cos, sin = ops.cos(_each(views.angle)), ops.sin(_each(views.angle))
    source_x = _mirror(ops.round(cos * x - sin * y + half), size)
    source_y = _mirror(ops.round(sin * x + cos * y + half), size)
    index = ops.cast(source_y * size + source_x, "int32")
    flat = ops.reshape(images, (count, size * size))
    pixels = ops.take_along_axis(flat, ops.reshape(index, (count, crop * crop)), axis=1)
    return ops.cast(ops.reshape(pixels, (count, crop, crop, 1)), "float32")


def _each(values: np.ndarray) -> keras.KerasTensor:
    return ops.reshape(ops.convert_to_tensor(values), (-1, 1, 1))


def _sign(flip: np.ndarray) -> keras.KerasTensor:
    return 1 - 2 * _each(flip)


def _mirror(position: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """Reflect positions outside [0, size - 1] at the edges, the edge pixel repeated."""
    wrapped = ops.mod(position, 2 * size)
    return ops.minimum(wrapped, 2 * size - 1 - wrapped)


def _mix(values: np.ndarray) -> np.ndarray:
    """Scramble uint64 values (the finaliser of SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))
