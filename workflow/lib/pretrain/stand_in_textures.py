"""Textures of the pictures that stand in for ImageNet: stripes, bricks, wood, noise and others.

Each is a function of a random generator and of the coordinates `u` and `v` of every pixel, in units
of one cell of the pattern.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw
from scipy.fft import irfft2

Field = np.ndarray
"""Shape (n, n), from 0 to 1: the place of each pixel in the texture's range of colours."""


def _wave(x: Field) -> Field:
    """Give a triangle wave of period 1: 1 at whole numbers, 0 halfway."""
    return 2 * np.abs(x % 1 - 0.5)


def _tones(rng: np.random.Generator, *cells: Field) -> Field:
    """Give each cell of the plane, numbered along one or two axes, its own tone."""
    table = rng.random((31,) * len(cells), np.float32)
    return table[tuple(np.floor(cell).astype(np.int32) % 31 for cell in cells)]


@lru_cache(4)
def _wavenumbers(size: int) -> np.ndarray:
    k = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]) * size
    k[0, 0] = np.inf
    return k.astype(np.float32)


def _noise(rng: np.random.Generator, like: Field, slope: float) -> Field:
    """Give Gaussian noise whose power falls as wavenumber to the power of -`slope`."""
    k = _wavenumbers(len(like))
    modes = rng.standard_normal((*k.shape, 2), np.float32).view(np.complex64)[..., 0]
    field = irfft2(modes * k ** np.float32(-slope / 2), s=like.shape)
    return np.clip(0.5 + field / (4 * field.std()), 0, 1)


def _plaid(rng: np.random.Generator, u: Field, v: Field) -> Field:
    thread = rng.random(8).astype(np.float32)
    warp, weft = (thread[np.floor(4 * x).astype(np.int32) % 8] for x in (u, v))
    return (warp + weft) / 2


def _woodgrain(rng: np.random.Generator, u: Field, v: Field) -> Field:
    a, b = rng.uniform(0, 6, 2).tolist()
    growth = u + 0.5 * np.sin(0.5 * v + a) + 0.2 * np.sin(1.1 * v + 0.8 * u + b)
    return 0.65 * (growth % 1) + 0.35 * _tones(rng, 7 * growth)


def _bricks(rng: np.random.Generator, u: Field, v: Field) -> Field:
    x, y = u / 2 + 0.5 * (np.floor(v) % 2), v
    joint = rng.uniform(0.06, 0.12)
    stone = (x % 1 > joint / 2) & (y % 1 > joint)
    return stone * (0.55 + 0.45 * _tones(rng, x, y))


def _hexagons(rng: np.random.Generator, u: Field, v: Field) -> Field:
    period = 3**0.5
    # A honeycomb is two rectangular lattices; a point belongs to the nearer of its two centres.
    lattices = [(((u + s) % 1) - 0.5, ((v + s * period) % period) - period / 2) for s in (0, 0.5)]
    (x0, y0), (x1, y1) = lattices
    first = x0**2 + y0**2 < x1**2 + y1**2
    x, y = np.where(first, x0, x1), np.where(first, y0, y1)
    edge = np.maximum(np.abs(x), np.abs(x) / 2 + np.abs(y) * period / 2)
    tone = _tones(rng, 2 * (u - x) + 0.5, 2 * (v - y) / period + 0.5)
    return (edge < rng.uniform(0.4, 0.45)) * (0.45 + 0.55 * tone)


def _dots(rng: np.random.Generator, u: Field, v: Field) -> Field:
    x, y = u, v + 0.5 * (np.floor(u) % 2)
    inside = np.hypot(x % 1 - 0.5, y % 1 - 0.5) < rng.uniform(0.22, 0.36)
    return inside * (0.6 + 0.4 * _tones(rng, x, y))


def _scales(rng: np.random.Generator, u: Field, v: Field) -> Field:
    row = np.floor(2 * v)

    def distance(row: Field) -> Field:
        return np.hypot((u + 0.5 * (row % 2)) % 1 - 0.5, v - row / 2)

    # Each row of scales covers the upper part of the next.
    upper, lower = distance(row), distance(row - 1)
    return np.clip(np.where(upper < 0.5, 2 * upper, 1.4 * lower), 0, 1) ** rng.uniform(1, 3)


def _weave(rng: np.random.Generator, u: Field, v: Field) -> Field:
    over = (np.floor(u) + np.floor(v)) % 2 == 0
    return np.where(
        over, np.abs(np.sin(np.pi * v)), rng.uniform(0.3, 0.7) * np.abs(np.sin(np.pi * u))
    )


def _nearest(rng: np.random.Generator, u: Field, v: Field) -> tuple[Field, Field]:
    """Give which of random points is nearest, and how much farther the second nearest is."""
    points = rng.integers(0, len(u), (rng.integers(14, 32), 2))
    first = np.full(u.shape, 1e9, np.float32)
    second, which = first.copy(), np.zeros(u.shape, np.float32)
    for number, (row, column) in enumerate(points):
        squared = (u - u[row, column]) ** 2 + (v - v[row, column]) ** 2
        second = np.minimum(second, np.maximum(first, squared))
        which[squared < first] = number
        first = np.minimum(first, squared)
    return which, np.sqrt(second) - np.sqrt(first)


def _cells(rng: np.random.Generator, u: Field, v: Field) -> Field:
    return np.clip(_nearest(rng, u, v)[1] / rng.uniform(0.3, 0.8), 0, 1)


def _mosaic(rng: np.random.Generator, u: Field, v: Field) -> Field:
    return _tones(rng, _nearest(rng, u, v)[0])


def _maze(rng: np.random.Generator, u: Field, v: Field) -> Field:
    x, y = u % 1, v % 1
    x = np.where(_tones(rng, u, v) < 0.5, x, 1 - x)
    offset = np.abs(x - y)
    return np.minimum(offset, 1 - offset) < rng.uniform(0.12, 0.2)


def _text(rng: np.random.Generator, u: Field, v: Field) -> Field:
    letter = _tones(rng, 4 * u, v) < 0.8
    return letter & (v % 1 < 0.55) & (_tones(rng, 12 * u, 6 * v) < 0.7)


def _parquet(rng: np.random.Generator, u: Field, v: Field) -> Field:
    along = (np.floor(u) + np.floor(v)) % 2 == 0
    plank = np.where(along, u, v) * 4
    joint = (plank % 1 > 0.15) & (np.where(along, v, u) % 1 > 0.04)
    return joint * (0.4 + 0.6 * _tones(rng, plank, np.where(along, v, u)))


def _rays(rng: np.random.Generator, u: Field, v: Field) -> Field:
    row, column = rng.integers(0, len(u), 2)
    angle = np.arctan2(v - v[row, column], u - u[row, column])
    return np.sin(angle * rng.integers(5, 13)) > 0


def _strokes(
    rng: np.random.Generator, like: Field, count: int, corners: int, step: float, bias: float
) -> Field:
    """Draw random walks with the pencil; `bias` is how much they prefer one direction."""
    n = len(like)
    image = Image.new("L", like.shape)
    draw = ImageDraw.Draw(image)
    ahead = rng.normal(size=2)
    ahead *= bias / np.hypot(*ahead)
    starts = rng.uniform(-0.1, 1.1, (count, 1, 2))
    walks = starts + np.cumsum(step * (ahead + rng.normal(size=(count, corners, 2))), axis=1)
    tones = rng.integers(90, 256, count)
    width = max(1, round(rng.uniform(0.008, 0.02) * n))
    for walk, tone in zip((walks * n).reshape(count, -1).tolist(), tones.tolist(), strict=True):
        draw.line(walk, fill=tone, width=width, joint="curve" if corners > 3 else None)
    return np.asarray(image, np.float32) / 255


TEXTURES: dict[str, Callable[[np.random.Generator, Field, Field], Field]] = {
    "checkerboard": lambda rng, u, v: (np.floor(u) + np.floor(v)) % 2,
    "stripes": lambda rng, u, v: u % 1 < rng.uniform(0.35, 0.65),
    "barcode": lambda rng, u, v: _tones(rng, 5 * u) < 0.5,
    "pleats": lambda rng, u, v: (u % 1) ** rng.uniform(0.7, 1.5),
    "grid": lambda rng, u, v: np.minimum(1 - _wave(u), 1 - _wave(v)) < rng.uniform(0.1, 0.25),
    "zigzag": lambda rng, u, v: (u + rng.uniform(0.5, 1) * _wave(v)) % 1 < 0.5,
    "waves": lambda rng, u, v: (u + 0.4 * np.sin(rng.uniform(2, 4) * v)) % 1 < 0.5,
    "diamonds": lambda rng, u, v: (_wave(u) + _wave(v) < rng.uniform(0.7, 1)) * _wave(u / 2),
    "pluses": lambda rng, u, v: (
        (np.minimum(_wave(u), _wave(v)) < rng.uniform(0.15, 0.3))
        & (np.maximum(_wave(u), _wave(v)) < 0.7)
    ),
    "triangles": lambda rng, u, v: (u - v / 1.73) % 1 + (1.155 * v) % 1 < 1,
    "pixels": lambda rng, u, v: _tones(rng, 2 * u, 2 * v),
    "plaid": _plaid,
    "woodgrain": _woodgrain,
    "marble": lambda rng, u, v: (
        1 - np.abs(np.sin(1.5 * u + rng.uniform(5, 9) * _noise(rng, u, 3))) ** 0.5
    ),
    "clouds": lambda rng, u, v: _noise(rng, u, rng.uniform(2.8, 3.4)),
    "plaster": lambda rng, u, v: _noise(rng, u, rng.uniform(1.4, 1.9)),
    "static": lambda rng, u, v: _noise(rng, u, rng.uniform(0, 0.4)),
    "camouflage": lambda rng, u, v: np.floor(2.99 * _noise(rng, u, 3.2)) / 2,
    "bricks": _bricks,
    "hexagons": _hexagons,
    "dots": _dots,
    "scales": _scales,
    "weave": _weave,
    "ripples": lambda rng, u, v: (
        0.5 + (np.sin(7 * u + v) + np.sin(rng.uniform(5, 6.5) * u - rng.uniform(1, 3) * v)) / 4
    ),
    "cells": _cells,
    "mosaic": _mosaic,
    "maze": _maze,
    "text": _text,
    "parquet": _parquet,
    "rays": _rays,
    "scribbles": lambda rng, u, v: _strokes(rng, u, rng.integers(8, 16), 40, 0.06, 0),
    "grass": lambda rng, u, v: _strokes(rng, u, rng.integers(150, 250), 3, 0.03, 3),
    "needles": lambda rng, u, v: _strokes(rng, u, rng.integers(40, 90), 2, 0.12, 0),
}
