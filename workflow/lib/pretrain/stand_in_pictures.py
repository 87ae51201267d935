"""Pictures of many kinds of things, none of them a galaxy: a stand-in for ImageNet.

The paper compares its galaxy networks with one that was pretrained on everyday pictures.
Where those weights cannot be downloaded, the same network learns to tell these classes apart
instead: textures, shapes, letters, and objects composed of simple parts. All that does not make
the class (place, size, rotation, colours, background, light, blur, noise) is drawn at random, so
that only general visual features solve the task.

No class is a plain disc, ring or spiral, nor glows: those are what the representations are tested
on later, and must not have been taught here.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from joblib import Parallel, delayed
from PIL import Image, ImageDraw, ImageFilter
from scipy.fft import irfft2

Field = np.ndarray
"""Shape (n, n), from 0 to 1: where a texture is in its range of colours."""

SUPERSAMPLE = 2
"""Pictures are drawn this many times larger, and averaged down, to smooth their edges."""

REFERENCE_SIZE = 86
"""Size [pixel] in whose pixels the blur is given, so that it does not depend on the size."""

BATCH = 64
"""Pictures that one task of `draw_pictures` draws; it takes far longer than to start the task."""


# Textures: fields over the plane (u, v), whose unit is one cell of the pattern.


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


# Figures: shapes, letters and objects, written as parts in a frame that reaches from -10 to 10,
# y downwards, the hindmost first. A part is a kind, the number of its colour, and coordinates:
# box x0 y0 x1 y1; oval x y rx ry; poly x y x y ...; line width x y x y ...


def _points(xy: np.ndarray) -> str:
    return " ".join(f"{value:.2f}" for value in np.ravel(xy))


def _circle(count: int, radii: float | np.ndarray = 9, start: float = -np.pi / 2) -> np.ndarray:
    """Give points around the origin, shape (count, 2)."""
    angle = start + 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.reshape(radii, (-1, 1))


def _star(rng: np.random.Generator) -> str:
    tips = rng.integers(4, 8)
    return _points(_circle(2 * tips, np.tile([9, rng.uniform(3, 5)], tips)))


def _star_outline(rng: np.random.Generator) -> str:
    corners = _star(rng)
    return f"line 0 {rng.uniform(1, 2)} {corners} {' '.join(corners.split()[:4])}"


def _bars(rng: np.random.Generator) -> str:
    edges = np.linspace(-9, 9, rng.integers(4, 7))
    tops = rng.uniform(-9, 6, len(edges) - 1)
    return "|".join(
        f"box {i % 3} {x} {y} {x + 0.75 * (edges[1] - edges[0])} 9"
        for i, (x, y) in enumerate(zip(edges, tops, strict=False))
    )


def _tree(rng: np.random.Generator) -> str:
    crown = _circle(rng.integers(4, 8), 3, rng.uniform(0, 6)) * [1.3, 1] - [0, 4]
    leaves = [f"oval 1 {x} {y} {rng.uniform(2.5, 4)} {rng.uniform(2.5, 4)}" for x, y in crown]
    return "|".join(["poly 0 -1.2 -3 1.2 -3 2 9 -2 9", "oval 1 0 -4 4 3", *leaves])


def _flower(rng: np.random.Generator) -> str:
    petals = _circle(rng.integers(5, 9), 3.2, rng.uniform(0, 6)) - [0, 4]
    return "|".join(
        [
            "line 1 1 0 -3 0 9 | poly 1 0 8 2 4 6 3 4 7 | poly 1 0 8 -4 7 -6 3 -2 4",
            *(f"oval 0 {x} {y} 1.9 1.9" for x, y in petals),
            "oval 2 0 -4 2 2",
        ]
    )


Figure = str | Callable[[np.random.Generator], str]

SHAPES: dict[str, Figure] = {
    "triangle": "poly 0 0 -8 8 6 -8 6",
    "triangle_outline": "line 0 1.6 0 -8 8 6 -8 6 0 -8 8 6",
    "square": "box 0 -7 -7 7 7",
    "square_outline": "line 0 1.6 -7 -7 7 -7 7 7 -7 7 -7 -7 7 -7",
    "star": lambda rng: f"poly 0 {_star(rng)}",
    "star_outline": _star_outline,
    "cross": "box 0 -2.2 -8 2.2 8 | box 0 -8 -2.2 8 2.2",
    "arrow": "poly 0 -9 -2 1 -2 1 -6 9 0 1 6 1 2 -9 2",
    "pentagon": f"poly 0 {_points(_circle(5, 8))}",
    "heart": "poly 0 0 9 -8 0 -9 -4 -7 -7 -4 -8 -1.5 -7 0 -5 1.5 -7 4 -8 7 -7 9 -4 8 0",
    "lightning": "poly 0 2 -9 -6 1 -1 1 -4 9 6 -2 1 -2 5 -9",
    "chevron": "poly 0 -7 -8 0 -8 7 0 0 8 -7 8 0 0",
    "half_disc": f"poly 0 {_points(_circle(24, 8, 0)[:13] - [0, 3])}",
    "corner": "poly 0 -7 -8 -2 -8 -2 3 7 3 7 8 -7 8",
    "stacked_squares": "box 0 -4 -9 2 -3 | box 1 -2 -3 4 3 | box 2 -4 3 2 9",
    "stacked_triangles": "poly 0 0 -9 4 -3 -4 -3 | poly 1 0 -3 5 3 -5 3 | poly 2 0 3 6 9 -6 9",
    "stairs": "poly 0 -9 -8 -5 -8 -5 -4 -1 -4 -1 0 3 0 3 4 7 4 7 8 -9 8",
    "bars": _bars,
}

LETTERS: dict[str, Figure] = {
    "letter_a": "line 0 2 -6 9 0 -8 6 9 | line 0 2 -4 3 4 3",
    "letter_e": "line 0 2 6 -8 -5 -8 -5 8 6 8 | line 0 2 -5 0 4 0",
    "letter_h": "line 0 2 -5 -9 -5 9 | line 0 2 5 -9 5 9 | line 0 2 -5 0 5 0",
    "letter_k": "line 0 2 -5 -9 -5 9 | line 0 2 6 -9 -4 0 6 9",
    "letter_m": "line 0 2 -7 9 -7 -8 0 3 7 -8 7 9",
    "letter_r": "line 0 2 -5 9 -5 -8 3 -8 5 -6 5 -2 3 0 -5 0 | line 0 2 0 0 6 9",
    "letter_s": "line 0 2 6 -6 4 -8 -3 -8 -5 -6 -5 -2 -3 0 3 0 5 2 5 6 3 8 -4 8 -6 6",
    "letter_t": "line 0 2 -7 -8 7 -8 | line 0 2 0 -8 0 9",
    "letter_y": "line 0 2 -6 -9 0 0 6 -9 | line 0 2 0 0 0 9",
    "digit_4": "line 0 2 3 9 3 -8 -6 4 7 4",
    "digit_7": "line 0 2 -6 -8 6 -8 -2 9 | line 0 1.6 -3 1 4 1",
}

OBJECTS: dict[str, Figure] = {
    "house": "box 0 -7 -1 7 9 | poly 1 -9 -1 0 -9 9 -1 | box 2 -2 3 2 9 | box 3 3.2 1 6 4",
    "tree": _tree,
    "pine": "box 1 -1.2 5 1.2 9 | poly 0 0 -2 7 6 -7 6 | poly 0 0 -6 6 2 -6 2"
    "| poly 0 0 -10 4 -3 -4 -3",
    "car": "poly 0 -9 5 -9 1 -5 0 -3 -4 4 -4 6 0 9 1 9 5 | poly 3 -4 0 -2 -3 0 -3 0 0"
    "| poly 3 1 0 1 -3 3 -3 5 0 | oval 2 -5 5 2.2 2.2 | oval 2 5 5 2.2 2.2",
    "truck": "box 0 -9 -6 3 4 | poly 1 3.5 -3 6 -3 9 1 9 4 3.5 4 | poly 3 4.5 -2 6 -2 7.5 1 4.5 1"
    "| oval 2 -6 5 2 2 | oval 2 0 5 2 2 | oval 2 6 5 2 2",
    "train": "box 0 -9 -2 3 5 | box 1 2 -7 9 5 | box 1 -7 -7 -5 -2 | box 3 4 -5 7 -1"
    "| oval 2 -6 6 2 2 | oval 2 -1 6 2 2 | oval 2 5 6 2.5 2.5",
    "face": "poly 1 -8 2 -8 -6 -4 -10 4 -10 8 -6 8 2 | oval 0 0 0 6.5 8.5 | oval 3 -2.5 -2 1.3 .8"
    "| oval 3 2.5 -2 1.3 .8 | poly 2 0 -1 1.2 2.5 -1.2 2.5 | line 3 1 -3 4.5 0 5.5 3 4.5",
    "flower": _flower,
    "cup": "line 0 1.4 3 -3 8 -4 8 2 3 4 | poly 0 -6 -6 4 -6 3 7 -5 7 | box 1 -6 -2 4 0",
    "fish": "poly 0 -9 0 -5 -4 0 -5 4 -2 9 -5 8 0 9 5 4 2 0 5 -5 4 | poly 1 -3 -4.5 1 -8 3 -3"
    "| oval 3 -6 -1 .9 .9 | poly 1 -1 1 3 0 1 4",
    "umbrella": "line 2 1 0 -2 0 8 2 9.5 3.5 7.5"
    "| poly 0 -9 0 -7 -5 -3 -8 0 -9 3 -8 7 -5 9 0 6 -1.5 3 0 0 -1.5 -3 0 -6 -1.5"
    "| poly 1 -3 0 -2 -5 0 -9 2 -5 3 0 0 -1.5",
    "ladder": "box 0 -5 -10 -3.5 10 | box 0 3.5 -10 5 10 | box 0 -4 -8 4 -6.8 | box 0 -4 -4 4 -2.8"
    "| box 0 -4 0 4 1.2 | box 0 -4 4 4 5.2",
    "key": "poly 0 -9 0 -7 -3.5 -3 -3.5 -1 0 -3 3.5 -7 3.5 | oval 3 -5 0 1.4 1.4 | box 0 -2 -1 9 1"
    "| box 0 4.5 1 6 4 | box 0 7.5 1 9 4.5",
    "chair": "box 0 -6 -10 -4 10 | box 0 4 2 6 10 | box 1 -6 0 6 2.5",
    "boat": "line 2 .9 0 4 0 -9 | poly 0 -9 4 9 4 6 9 -6 9 | poly 1 1 -8 8 2 1 2"
    "| poly 3 -1 -6 -6 2 -1 2",
    "cat": "poly 0 -7 -9 -3 -5 3 -5 7 -9 8 1 4 7 -4 7 -8 1 | oval 3 -3 -1 1.4 1.2"
    "| oval 3 3 -1 1.4 1.2 | poly 2 -1.2 2 1.2 2 0 3.5 | line 2 .5 -9 2 -2 3 -9 5"
    "| line 2 .5 9 2 2 3 9 5",
    "dog": "box 0 -6 -2 5 3 | box 0 -6 3 -4 9 | box 0 3 3 5 9"
    "| poly 0 3 -2 3 -8 7 -8 10 -5 10 -3 6 -2 | poly 1 3 -8 5 -8 5 -3 3 -4"
    "| line 0 1.2 -6 -1 -9 -6 | oval 3 7 -6 .7 .7",
    "mushroom": "poly 1 -2.5 0 2.5 0 3.5 9 -3.5 9 | poly 0 -9 1 -8 -4 -4 -8 4 -8 8 -4 9 1"
    "| oval 2 -4 -3 1.5 1.2 | oval 2 1 -5 1.7 1.3 | oval 2 5 -1.5 1.4 1.1",
    "window": "box 0 -7 -9 7 9 | box 1 -5.5 -7.5 -.7 -.7 | box 1 .7 -7.5 5.5 -.7"
    "| box 1 -5.5 .7 -.7 7.5 | box 1 .7 .7 5.5 7.5",
    "table": "box 1 -8 -3 -6 8 | box 1 6 -3 8 8 | box 0 -10 -5 10 -2.5",
    "lamp": "box 1 -.8 -2 .8 8 | poly 0 -3 -9 3 -9 7 -1 -7 -1 | poly 2 -5 9.5 -3 7.5 3 7.5 5 9.5",
    "bottle": "poly 0 -1.5 -8 1.5 -8 1.5 -4 4 -1 4 9 -4 9 -4 -1 -1.5 -4 | box 1 -4 1 4 6"
    "| box 2 -1.8 -10 1.8 -8",
    "wine_glass": "poly 0 -5 -9 5 -9 4 -3 1 0 1 7 4 9 -4 9 -1 7 -1 0 -4 -3"
    "| poly 1 -4.6 -6 4.6 -6 4 -3 0 0 -4 -3",
    "bird": "line 2 .7 -1 4 -1 9 | line 2 .7 2 4 2 9"
    "| poly 0 -9 2 -3 -2 2 -3 3 -7 6 -8 8 -6 6 2 2 5 -4 4 | poly 1 -5 0 3 -2 1 3"
    "| poly 2 7.5 -7 10 -5.5 7.5 -5 | oval 3 5.5 -6 .7 .7",
    "butterfly": "poly 0 0 -2 -5 -9 -9 -7 -7 0 0 1 | poly 0 0 -2 5 -9 9 -7 7 0 0 1"
    "| poly 1 0 0 -6 2 -5 8 0 3 | poly 1 0 0 6 2 5 8 0 3 | box 2 -.8 -5 .8 6"
    "| line 2 .5 -3 -9 0 -5 3 -9",
    "rocket": "poly 1 -3 0 -7 7 -3 5 | poly 1 3 0 7 7 3 5 | poly 0 0 -10 3 -5 3 5 -3 5 -3 -5"
    "| oval 3 0 -3 1.5 1.5 | poly 2 -2 5 2 5 0 10",
    "plane": "poly 0 -9 -1 6 -1.5 9 0 6 1.5 -9 1 | poly 1 2 -1 -3 -9 -5 -9 -2 -1"
    "| poly 1 2 1 -3 9 -5 9 -2 1 | poly 1 -7 0 -10 -4 -8.5 -4 -5 0 -8.5 4 -10 4",
    "sword": "poly 0 0 -10 1.3 -7 1.3 4 -1.3 4 -1.3 -7 | box 1 -5 4 5 5.5 | box 2 -1 5.5 1 9.5",
    "hammer": "box 1 -1.1 -5 1.1 10 | poly 0 -7 -9 4 -9 8 -6 4 -4.5 -7 -4.5",
    "fork": "box 0 -1 0 1 10 | box 0 -4 -2 4 1 | box 0 -4 -9 -2.4 -2 | box 0 -.8 -9 .8 -2"
    "| box 0 2.4 -9 4 -2",
    "glasses": "line 0 1 -9 -3 -10 3 | line 0 1 9 -3 10 3 | line 0 1 -2 -2 2 -2"
    "| poly 1 -9 -3 -1.5 -3 -2 3 -4 4.5 -7 4.5 -9 2 | poly 1 9 -3 1.5 -3 2 3 4 4.5 7 4.5 9 2",
    "shirt": "poly 0 -3 -8 3 -8 10 -4 8 1 5 -2 5 9 -5 9 -5 -2 -8 1 -10 -4"
    "| poly 3 -2.5 -8 2.5 -8 0 -4",
    "trousers": "poly 0 -5 -9 5 -9 6 9 1.5 9 0 -3 -1.5 9 -6 9 | box 1 -5 -9 5 -7",
    "hat": "poly 0 -5 -8 5 -8 4 5 -4 5 | box 0 -9 5 9 7 | box 1 -4.4 2 4.4 5",
    "ice_cream": "poly 0 -4 0 4 0 0 10 | oval 1 -2.2 -1.5 3 3 | oval 2 2.2 -1.5 3 3"
    "| oval 3 0 -5.5 3 3",
    "carrot": "poly 0 -3.5 -4 0 -5 3.5 -4 0 10 | line 1 1 0 -4 -4 -10 | line 1 1 0 -4 0 -10"
    "| line 1 1 0 -4 4 -10 | line 2 .5 -2.5 0 0 0 | line 2 .5 2 2 0 2",
    "cactus": "box 0 -2 -9 2 6 | box 0 -7 -1 -2 1.6 | box 0 -7 -6 -4.8 1 | box 0 2 1 7 3.4"
    "| box 0 4.8 -4 7 3 | poly 1 -4 5 4 5 3 10 -3 10",
    "castle": "poly 0 -9 -8 -6 -8 -6 -5 -3 -5 -3 -8 0 -8 0 -5 3 -5 3 -8 6 -8 6 -5 9 -5 9 9 -9 9"
    "| poly 3 -2 9 -2 4 0 2 2 4 2 9 | box 3 -6.5 -1 -4.5 2 | box 3 4.5 -1 6.5 2",
    "bridge": "line 1 .7 -10 2 -5 -7 0 2 5 -7 10 2"
    "| line 1 .5 -7.5 2 -5 -3 -2.5 2 2.5 2 5 -3 7.5 2 | box 0 -5.8 -9 -4.2 9 | box 0 4.2 -9 5.8 9"
    "| box 0 -10 2 10 4",
    "robot": "line 2 .7 0 -6 0 -10 | box 0 -3.5 -7 3.5 -2 | box 1 -5 -1.5 5 6 | box 0 -8 -1 -6 5"
    "| box 0 6 -1 8 5 | box 0 -4 6 -1.5 10 | box 0 1.5 6 4 10 | box 3 -2.2 -5.5 -.7 -4"
    "| box 3 .7 -5.5 2.2 -4 | box 3 -2.5 0 2.5 2",
    "person": "line 0 1.6 -7 2 0 -3 7 2 | line 1 2 -4 10 0 3 4 10 | poly 0 -3 -4 3 -4 2.5 4 -2.5 4"
    "| oval 2 0 -7 2.4 2.8",
    "candle": "box 0 -2.5 -3 2.5 8 | poly 1 -6 8 6 8 5 10 -5 10 | poly 2 0 -10 1.8 -6 0 -4 -1.8 -6"
    "| line 3 .6 0 -5 0 -3",
    "book": "poly 0 0 -5 -9 -7 -9 6 0 8 | poly 1 0 -5 9 -7 9 6 0 8 | line 2 .6 -7.5 -3 -2 -1.8"
    "| line 2 .6 -7.5 0 -2 1.2 | line 2 .6 -7.5 3 -2 4.2 | line 2 .6 7.5 -3 2 -1.8"
    "| line 2 .6 7.5 0 2 1.2",
    "envelope": "box 0 -9 -6 9 6 | poly 1 -9 -6 9 -6 0 2",
    "flag": "box 1 -8 -10 -6.8 10 | poly 0 -7 -9 -2 -10 3 -8 9 -9 9 0 3 1 -2 -1 -7 0"
    "| poly 2 -7 -6 -2 -7 3 -5 9 -6 9 -3 3 -2 -2 -4 -7 -3",
    "tent": "poly 0 0 -8 10 7 -10 7 | poly 3 0 -4 3.5 7 -3.5 7 | line 1 .7 -1.5 -9.5 0 -8 1.5 -9.5",
    "crown": "poly 0 -9 -6 -4.5 0 0 -8 4.5 0 9 -6 7 7 -7 7 | box 1 -7.2 4 7.2 7"
    "| oval 2 0 -8 1.2 1.2 | oval 2 -9 -6 1.2 1.2 | oval 2 9 -6 1.2 1.2",
    "anchor": "line 0 1.6 0 -8 0 8 | line 0 1.4 -4 -5 4 -5 | line 0 1.8 -8 2 -6 6 0 8.5 6 6 8 2"
    "| poly 0 -10 3 -8 -1 -5 4 | poly 0 10 3 8 -1 5 4 | oval 0 0 -8.5 1.6 1.6",
    "traffic_light": "box 2 -.8 5 .8 10 | box 0 -3.5 -10 3.5 6 | oval 1 0 -7 2 2 | oval 3 0 -2 2 2"
    "| oval 2 0 3 2 2",
    "leaf": "poly 0 -9 3 -5 -4 1 -7 9 -7 8 0 4 5 -3 7 | line 1 .7 -10 8 9 -7"
    "| line 1 .5 -3 2 -2 -4 | line 1 .5 1 -1 6 1",
    "hand": "poly 0 -5 0 5 0 4 9 -4 9 | line 0 1.9 -4 1 -5 -6 | line 0 1.9 -1.4 1 -1.7 -9"
    "| line 0 1.9 1.4 1 1.7 -8.5 | line 0 1.9 4 1 5 -6 | line 0 2.1 4 5 9 1",
    "comb": "box 0 -9 -6 9 -1.5 | line 0 1 -8 -2 -8 6 | line 0 1 -6 -2 -6 6 | line 0 1 -4 -2 -4 6"
    "| line 0 1 -2 -2 -2 6 | line 0 1 0 -2 0 6 | line 0 1 2 -2 2 6 | line 0 1 4 -2 4 6"
    "| line 0 1 6 -2 6 6 | line 0 1 8 -2 8 6",
    "spider": "line 0 .7 -9 -3 -5 -9 0 0 5 -9 9 -3 | line 0 .7 -9 1 -5 -5 0 0 5 -5 9 1"
    "| line 0 .7 -9 4 -5 -2 0 0 5 -2 9 4 | line 0 .7 -9 7 -5 1 0 0 5 1 9 7 | oval 0 0 2 3 3.5"
    "| oval 1 0 -2.5 2 2",
    "windmill": "poly 0 -1.5 -3 1.5 -3 4 10 -4 10 | box 2 -1.2 6.5 1.2 10 | poly 1 0 -3 7 -9 8 -7"
    "| poly 1 0 -3 6 4 4 5 | poly 1 0 -3 -7 3 -8 1 | poly 1 0 -3 -6 -10 -4 -11",
}

FIGURES = {**SHAPES, **LETTERS, **OBJECTS}

CLASSES: tuple[str, ...] = (*TEXTURES, *FIGURES)
"""Every kind of picture; its place is its label."""


# A picture: background, figure, then what the camera does to both.


def _colour(rng: np.random.Generator, *others: np.ndarray) -> np.ndarray:
    """Draw a colour, shape (3,), 0 to 255, that stands out from `others`."""
    candidates = 255 * rng.beta(0.7, 0.7, (8, 3))
    if not others:
        return candidates[0]
    apart = candidates[None] - np.array(others)[:, None]
    # Brightness counts too, as the camera may take some or all of the colour away.
    gaps = np.abs(apart).sum(axis=2) + 2 * np.abs(apart.sum(axis=2))
    return candidates[np.argmax(gaps.min(axis=0))]


def _paint(field: Field, colours: list[np.ndarray]) -> Image.Image:
    """Colour a field, blending from each colour to the next, and average it down."""
    stops = np.linspace(0, 255, len(colours))
    bands = [np.interp(np.arange(256), stops, band) for band in np.transpose(colours)]
    table = np.stack(bands, axis=1).astype(np.uint8)
    index = (np.asarray(field, np.float32) * 255).astype(np.uint8)
    return Image.fromarray(table[index]).reduce(SUPERSAMPLE)


def _plane(rng: np.random.Generator, size: int) -> tuple[Field, Field]:
    """Draw how a texture lies in the picture: turned, bent and seen at a slant."""
    axis = np.linspace(-0.5, 0.5, size * SUPERSAMPLE, dtype=np.float32)
    x, y = axis[None, :], axis[:, None]
    # Lists of Python's own numbers keep the arrays float32, which is twice as fast.
    slant, bend = rng.uniform(-0.5, 0.5, 2).tolist(), rng.normal(0, 0.12, 2).tolist()
    angle, *phase = rng.uniform(0, [2 * np.pi, 20, 20]).tolist()
    cells = rng.uniform(3.5, 8) / (1 + slant[0] * x + slant[1] * y)
    u = cells * (math.cos(angle) * x - math.sin(angle) * y) + phase[0]
    v = cells * (math.sin(angle) * x + math.cos(angle) * y) + phase[1]
    u += bend[0] * np.sin(v)
    return u, v + bend[1] * np.sin(u)


def _texture(rng: np.random.Generator, name: str, size: int) -> Field:
    return TEXTURES[name](rng, *_plane(rng, size))


def _background(rng: np.random.Generator, size: int) -> tuple[Image.Image, list[np.ndarray]]:
    """Draw something calm to stand before, and give its colours too."""
    colour = _colour(rng)
    kind = rng.random()
    if kind < 0.2:
        return _paint(np.zeros((size * SUPERSAMPLE,) * 2), [colour, colour]), [colour]
    contrast = rng.uniform(0.1, 0.5)
    colours = [colour, (1 - contrast) * colour + contrast * _colour(rng, colour)]
    if kind < 0.45:
        ramp = _plane(rng, size)[0]
        field = (ramp - ramp.min()) / np.ptp(ramp)
    else:
        field = _texture(rng, rng.choice(list(TEXTURES)), size)
    return _paint(field, colours), colours


def _stance(
    rng: np.random.Generator, size: int, turn: float, mirror: bool
) -> tuple[Callable[[np.ndarray], list[float]], float]:
    """Draw how a figure stands in the picture.

    Returns
    -------
    place, unit
        A function from points of the figure, (n, 2), to pixels, x y x y ...; and the pixels in
        one unit of the figure.
    """
    angle = rng.uniform(-turn, turn)
    cos, sin = math.cos(angle), math.sin(angle)
    sides = np.diag(rng.uniform(0.8, 1.15, 2)) @ [[1, rng.uniform(-0.15, 0.15)], [0, 1]]
    if mirror and rng.random() < 0.5:
        sides[:, 0] *= -1
    turned = sides.T @ [[cos, sin], [-sin, cos]]
    unit = size * rng.uniform(0.024, 0.046)
    middle = size * (0.5 + rng.uniform(-0.12, 0.12, 2))
    # A smooth bend of the plane makes each figure its own, and keeps its parts together.
    bend, pace, phase = rng.normal(0, 0.5, 2), rng.uniform(0.1, 0.3, 2), rng.uniform(0, 6, 2)

    def place(points: np.ndarray) -> list[float]:
        bent = points + bend * np.sin(pace * points[:, ::-1] + phase)
        return (unit * bent @ turned + middle).ravel().tolist()

    return place, unit


def _outline(kind: str, numbers: np.ndarray) -> np.ndarray:
    """Give the corners, shape (n, 2), of a part that encloses an area."""
    if kind == "box":
        x0, y0, x1, y1 = numbers
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    if kind == "oval":
        return numbers[:2] + numbers[2:] * _circle(18, 1)
    return numbers.reshape(-1, 2)


def _figure(
    rng: np.random.Generator, name: str, size: int, background: list[np.ndarray]
) -> Image.Image:
    """Draw a figure that stands out from its background's colours, as RGBA."""
    figure = FIGURES[name]
    text = figure if isinstance(figure, str) else figure(rng)
    turn, mirror = np.pi if name in SHAPES else 0.35, name in OBJECTS
    place, unit = _stance(rng, size * SUPERSAMPLE, turn, mirror)

    colours = [_colour(rng, *background)]
    colours += [_colour(rng, *background, colours[0]) for _ in range(3)]
    tints = [(*colour.astype(int).tolist(), 255) for colour in colours]
    # Objects come painted, painted with an outline, or as a drawing in one colour.
    style = rng.choice(["painted", "outlined", "drawn"], p=[0.6, 0.25, 0.15])
    style = style if name in OBJECTS else "painted"
    outline = (0, 0, 0, 255) if rng.random() < 0.7 else tints[3]
    ink = tints[0] if style == "drawn" else outline
    pen = max(1, round(unit * rng.uniform(0.4, 0.8)))

    image = Image.new("RGBA", (size * SUPERSAMPLE,) * 2)
    draw = ImageDraw.Draw(image)
    for part in text.split("|"):
        kind, number, *rest = part.split()
        numbers, tint = np.array(rest, float), tints[int(number)]
        if kind == "line":
            path, width = place(numbers[1:].reshape(-1, 2)), max(1, round(unit * numbers[0]))
            draw.line(path, ink if style == "drawn" else tint, width, joint="curve")
            continue
        path = place(_outline(kind, numbers))
        if style != "drawn":
            draw.polygon(path, tint)
        if style != "painted":
            draw.line([*path, *path[:4]], ink, pen, joint="curve")
    return image.reduce(SUPERSAMPLE)


def _photograph(rng: np.random.Generator, picture: Image.Image) -> np.ndarray:
    """Light, fade, blur and grain a picture."""
    size = picture.width
    if rng.random() < 0.6:
        picture = picture.filter(
            ImageFilter.GaussianBlur(rng.uniform(0, 1.1) * size / REFERENCE_SIZE)
        )
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    across, down = rng.uniform(-0.25, 0.25, 2).tolist()
    light = rng.uniform(0.75, 1.1) + across * axis + down * axis[:, None]
    tint = rng.uniform(0.9, 1.1, 3).astype(np.float32)
    pixels = np.asarray(picture, np.float32) * light[..., None] * tint
    grey = pixels.mean(axis=2, keepdims=True)
    # About one in seven is left in black and white, and as many in full colour.
    pixels = grey + min(max(rng.uniform(-0.2, 1.2), 0), 1) * (pixels - grey)
    pixels += rng.uniform(-15, 25)
    pixels += rng.uniform(0, 12) * rng.standard_normal(pixels.shape, np.float32)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def draw_picture(label: int | str, seed: int, index: int, size: int) -> np.ndarray:
    """Draw one picture.

    Parameters
    ----------
    label
        What it shows: one of `CLASSES`, or its place there.
    seed, index
        At least 0; with the label and the size, all that the picture depends on.
    size
        Its side [pixel].

    Returns
    -------
    numpy.ndarray
        Shape (size, size, 3), RGB, uint8.

    Raises
    ------
    ValueError
        If there is no such class.
    """
    if isinstance(label, str) and label in CLASSES:
        label = CLASSES.index(label)
    if isinstance(label, str) or not 0 <= label < len(CLASSES):
        raise ValueError(
            f"no class {label!r}: give 0 to {len(CLASSES) - 1}, or a name from pictures.CLASSES"
        )
    name = CLASSES[label]
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index, label])))
    if name in TEXTURES:
        colours = [_colour(rng)]
        while len(colours) < 2 or (len(colours) < 4 and rng.random() < 0.4):
            colours.append(_colour(rng, *colours[-1:]))
        picture = _paint(_texture(rng, name, size), colours)
    else:
        picture, background = _background(rng, size)
        figure = _figure(rng, name, size, background)
        picture.paste(figure, mask=figure)
    return _photograph(rng, picture)


def draw_pictures(
    count: int, seed: int, size: int, processes: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures of all classes in turn.

    Parameters
    ----------
    count
        How many; any run of ``len(CLASSES)`` of them shows each class once, so that a part cut
        from them is balanced too.
    seed, size
        As in `draw_picture`; the index is the place in the result.
    processes
        How many to use; the pictures do not depend on it.

    Returns
    -------
    pictures, labels
        Shapes (count, size, size, 3), uint8, and (count,), int64.
    """
    labels = np.arange(count) % len(CLASSES)

    def draw(start: int) -> np.ndarray:
        end = min(start + BATCH, count)
        return np.stack([draw_picture(int(labels[i]), seed, i, size) for i in range(start, end)])

    pictures = np.empty((count, size, size, 3), np.uint8)
    starts = range(0, count, BATCH)
    batches = Parallel(processes, return_as="generator")(delayed(draw)(start) for start in starts)
    for start, batch in zip(starts, batches, strict=True):
        pictures[start : start + BATCH] = batch
    return pictures, labels
