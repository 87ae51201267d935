"""Pictures of many kinds of things, none of them a galaxy: a stand-in for ImageNet.

The paper compares its galaxy networks with one that was pretrained on everyday pictures.
Where those weights cannot be downloaded, the same network learns to tell these classes apart
instead: textures, shapes, letters, and objects composed of simple parts. Everything that does not
define the class (place, size, rotation, colours, background, light, blur, noise) is drawn at
random, so that only general visual features solve the task.

No class is a plain disc, ring or spiral, and none glows: the representations are tested on those
later, so the network must not learn them here.
"""

import math
from collections.abc import Callable

import numpy as np
from joblib import Parallel, delayed
from PIL import Image, ImageDraw, ImageFilter

from workflow.lib.pretrain.stand_in_figures import FIGURES, OBJECTS, SHAPES, circle
from workflow.lib.pretrain.stand_in_textures import TEXTURES, Field

SUPERSAMPLE = 2
"""Pictures are drawn this many times larger, and averaged down, to smooth their edges."""

REFERENCE_SIZE = 86
"""Size [pixel] in whose pixels the blur is given, so that it does not depend on the size."""

BATCH = 64
"""Pictures that one task of `draw_pictures` draws, so that starting a task costs little."""

CLASSES: tuple[str, ...] = (*TEXTURES, *FIGURES)
"""Every kind of picture; the position of a class is its label."""


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
    """Draw the coordinates of a texture in the picture: turned, bent and seen at a slant."""
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
    """Draw a background of low contrast, and give its colours too."""
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
    """Draw the place, size and orientation of a figure in the picture.

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
    """Give the corners, shape (n, 2), of a part other than a line."""
    if kind == "box":
        x0, y0, x1, y1 = numbers
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    if kind == "oval":
        return numbers[:2] + numbers[2:] * circle(18, 1)
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
        What it shows: one of `CLASSES`, or its position there.
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
            f"no class {label!r}: give 0 to {len(CLASSES) - 1}, or a "
            "name from stand_in_pictures.CLASSES"
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
    """Draw pictures, cycling through the classes.

    Parameters
    ----------
    count
        How many; any ``len(CLASSES)`` pictures in succession show each class once, so that a part
        of them is balanced too.
    seed, size
        As in `draw_picture`; the index is the position in the result.
    processes
        Number of processes; the pictures do not depend on it.

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
