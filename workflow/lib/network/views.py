"""Random views of galaxies for the network, determined by (seed, iauname, epoch).

The paper (Sec. 2.2) uses a crop about a random centroid, an aliased (nearest) rotation by any
angle, and horizontal and vertical flips, drawn again whenever an image is loaded. We add changes of
tone, so that a network trained on one survey works on others. A galaxy's view does not depend on
the order, the batch or the process in which galaxies are handled.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from workflow.lib.common.name_seeds import uniform


class Views(NamedTuple):
    """Geometry of the view of each of n galaxies; every field is an array of shape (n,)."""

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


class Tones(NamedTuple):
    """Tone of each of n galaxies; every field is an array of shape (n,), float32."""

    contrast: np.ndarray
    """Factor by which grey levels are multiplied."""
    brightness: np.ndarray
    """Shift that is then added to the grey levels, as a fraction of white."""


def draw_views(keys: np.ndarray, seed: int, epoch: int, size: int, crop: int) -> Views:
    """Draw the view of each galaxy in an epoch.

    Parameters
    ----------
    keys
        Shape (n,), uint64, from `name_seeds.name_keys`.
    seed, epoch
        Together with the name, they determine the draw.
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
    """Give `count` views that crop the middle, without rotation or flip."""
    middle = np.full(count, (size - crop) // 2, np.int32)
    still = np.zeros(count, np.float32)
    return Views(still, still, still, middle, middle)


def draw_tones(
    keys: np.ndarray, seed: int, epoch: int, contrast: float, brightness: float
) -> Tones:
    """Draw the tone of each galaxy in an epoch, independent of its view.

    Parameters
    ----------
    keys, seed, epoch
        As for `draw_views`.
    contrast, brightness
        Largest change of contrast and of brightness, in either direction.
    """
    numbers = uniform(keys, seed, epoch, len(Views._fields) + len(Tones._fields))
    scale, shift = 2 * numbers[len(Views._fields) :] - 1
    return Tones((1 + contrast * scale).astype(np.float32), (brightness * shift).astype(np.float32))


def apply_views(images: keras.KerasTensor, views: Views, crop: int) -> keras.KerasTensor:
    """Rotate, flip and crop in one nearest-pixel look-up, on the device that holds the images.

    Where a rotation reaches outside the image, the image is mirrored at its edge.

    Parameters
    ----------
    images
        Shape (n, size, size, channels), uint8 or float32.
    views
        One view for each image.
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
    # Map each pixel of the crop to the stored image: undo crop, flip and rotation.
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


def apply_tones(seen: keras.KerasTensor, tones: Tones) -> keras.KerasTensor:
    """Change the tone of images, clipped at black and white.

    Parameters
    ----------
    seen
        Shape (n, crop, crop, channels), float32, 0 to 255.
    tones
        One tone for each image.

    Returns
    -------
    tensor
        As `seen`.
    """
    contrast, brightness = (ops.reshape(part, (-1, 1, 1, 1)) for part in tones)
    return ops.clip(seen * contrast + 255 * brightness, 0, 255)


def _each(values: np.ndarray) -> keras.KerasTensor:
    return ops.reshape(ops.convert_to_tensor(values), (-1, 1, 1))


def _sign(flip: np.ndarray) -> keras.KerasTensor:
    return 1 - 2 * _each(flip)


def _mirror(position: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """Reflect positions outside [0, size - 1] at the edges, the edge pixel repeated."""
    wrapped = ops.mod(position, 2 * size)
    return ops.minimum(wrapped, 2 * size - 1 - wrapped)
