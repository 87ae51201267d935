"""Figures of the pictures that stand in for ImageNet: shapes, letters and objects.

A figure is written as text, one part after the other, the hindmost first, separated by ``|``. A
part has a kind, the number of its colour, and coordinates from -10 to 10, with y downwards:
``box x0 y0 x1 y1``; ``oval x y rx ry``; ``poly x y x y ...``; ``line width x y x y ...``. The
number of the colour comes right after the kind. Figures with random proportions are functions that
draw such a text.
"""

from collections.abc import Callable

import numpy as np


def _points(xy: np.ndarray) -> str:
    return " ".join(f"{value:.2f}" for value in np.ravel(xy))


def circle(count: int, radii: float | np.ndarray = 9, start: float = -np.pi / 2) -> np.ndarray:
    """Give points around the origin, shape (count, 2)."""
    angle = start + 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.reshape(radii, (-1, 1))


def _star(rng: np.random.Generator) -> str:
    tips = rng.integers(4, 8)
    return _points(circle(2 * tips, np.tile([9, rng.uniform(3, 5)], tips)))


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
    crown = circle(rng.integers(4, 8), 3, rng.uniform(0, 6)) * [1.3, 1] - [0, 4]
    leaves = [f"oval 1 {x} {y} {rng.uniform(2.5, 4)} {rng.uniform(2.5, 4)}" for x, y in crown]
    return "|".join(["poly 0 -1.2 -3 1.2 -3 2 9 -2 9", "oval 1 0 -4 4 3", *leaves])


def _flower(rng: np.random.Generator) -> str:
    petals = circle(rng.integers(5, 9), 3.2, rng.uniform(0, 6)) - [0, 4]
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
    "pentagon": f"poly 0 {_points(circle(5, 8))}",
    "heart": "poly 0 0 9 -8 0 -9 -4 -7 -7 -4 -8 -1.5 -7 0 -5 1.5 -7 4 -8 7 -7 9 -4 8 0",
    "lightning": "poly 0 2 -9 -6 1 -1 1 -4 9 6 -2 1 -2 5 -9",
    "chevron": "poly 0 -7 -8 0 -8 7 0 0 8 -7 8 0 0",
    "half_disc": f"poly 0 {_points(circle(24, 8, 0)[:13] - [0, 3])}",
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
