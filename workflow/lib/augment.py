"""The views of a galaxy that the network sees, drawn from (seed, iauname, epoch).

The paper (Sec. 2.2): a crop about a random centroid, an aliased (nearest) rotation by any angle,
and horizontal and vertical flips, drawn anew whenever an image is loaded. Nothing here depends on
the order, the batch or the process in which galaxies come.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from workflow.lib.draws import uniform


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


def draw_views(keys: np.ndarray, seed: int, epoch: int, size: int, crop: int) -> Views:
    """Draw the view of each galaxy in an epoch.

    Parameters
    ----------
    keys
        Shape (n,), uint64, from `draws.name_keys`.
    seed, epoch
        With the name, all that the draw depends on.
    size, crop
        Sides [pixel] of the stored image and of the crop, ``crop <= size``.
    """
    turn, flip_x, flip_y, left, top = uniform(keys, seed, epoch, len(Views._fields))
    return Views(
        (turn * 2 * np.pi).astype(np.float32),
        (flip_x < 0.5).astype(np.float32),
        (flip_y < 0.5).astype(np.float32),
        (left * (size - crop + 1)).astype(np.int32),
        (top * (size - crop + 1)).astype(np.int32),
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
        Shape (n, size, size, channels), uint8 or float32.
    views
        One view an image.
    crop
        Side of the crop [pixel].

    Returns
    -------
    tensor
        Shape (n, crop, crop, channels), float32, in the units of `images`.
    """
    size, channels = images.shape[1], images.shape[3]
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
    index = ops.reshape(ops.cast(source_y * size + source_x, "int32"), (-1, crop * crop, 1))
    flat = ops.reshape(images, (-1, size * size, channels))
    pixels = ops.take_along_axis(flat, index, axis=1)
    return ops.cast(ops.reshape(pixels, (-1, crop, crop, channels)), "float32")


def _each(values: np.ndarray) -> keras.KerasTensor:
    return ops.reshape(ops.convert_to_tensor(values), (-1, 1, 1))


def _sign(flip: np.ndarray) -> keras.KerasTensor:
    return 1 - 2 * _each(flip)


def _mirror(position: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """Reflect positions outside [0, size - 1] at the edges, the edge pixel repeated."""
    wrapped = ops.mod(position, 2 * size)
    return ops.minimum(wrapped, 2 * size - 1 - wrapped)
