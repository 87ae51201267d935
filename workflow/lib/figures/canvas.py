"""Figures 1, 2, A1, A2 (paper Sec. 2.3, 2.4, App. A) and the variance that the PCA keeps."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

from workflow.lib.common.files import atomic_path

matplotlib.use("Agg")

plt.rcParams.update(
    {
        "font.size": 8,
        "font.family": "serif",
        "pdf.fonttype": 42,
        # The same data must give the same bytes.
        "svg.hashsalt": "morphoflow",
    }
)


def mosaic(
    shown: pd.DataFrame, thumbnails: Iterable[tuple[str, np.ndarray]], side: int, crop: int
) -> np.ndarray:
    """Paint thumbnails into their cells on white.

    Parameters
    ----------
    shown
        Columns iauname, column, row, as from `place_on_grid`; a galaxy may stand in several cells.
    thumbnails
        Of each galaxy shown, in any order: iauname and RGB image, uint8, shape (s, s, 3).
    side
        Side of a cell [pixel].
    crop
        Pixels cut from each side of a thumbnail.

    Returns
    -------
    numpy.ndarray
        Shape (rows * side, columns * side, 3), uint8, the first row on top.
    """
    columns, rows = shown["column"].max() + 1, shown["row"].max() + 1
    canvas = np.full((rows * side, columns * side, 3), 255, np.uint8)
    cells = shown.groupby("iauname")
    for iauname, thumbnail in thumbnails:
        middle = thumbnail[crop : len(thumbnail) - crop, crop : len(thumbnail) - crop]
        small = Image.fromarray(middle).resize((side, side), Image.Resampling.LANCZOS)
        for galaxy in cells.get_group(iauname).itertuples():
            top, left = (rows - 1 - galaxy.row) * side, galaxy.column * side
            canvas[top : top + side, left : left + side] = small
    return canvas


def framed(
    picture: np.ndarray, notes: Sequence[str], dpi: int, left: float = 0.0
) -> tuple[plt.Figure, plt.Axes]:
    """Make a figure of a picture with notes under it, and room for labels on the left [inch]."""
    # As large as the picture, so that one of its pixels is a dot of the figure.
    height, width = picture.shape[0] / dpi, left + picture.shape[1] / dpi
    foot = 0.18 * len(notes)
    figure = plt.figure(figsize=(width, height + foot))
    inside, above = left / width, foot / (height + foot)
    axes = figure.add_axes((inside, above, 1 - inside, height / (height + foot)))
    axes.imshow(picture, interpolation="none", aspect="auto")
    axes.set_axis_off()
    figure.text(0.5, 0.05 / (height + foot), "\n".join(notes), ha="center", va="bottom", size=7)
    return figure, axes


def notes_on(survey_note: str, description: str | Path) -> list[str]:
    """Tell what must be known of the galaxies and the encoder; nothing where all is as usual."""
    label = json.loads(Path(description).read_text())["label"]
    return [note for note in (survey_note, label) if note]


def save_figure(figure: plt.Figure, pdf: str | Path, png: str | Path, dpi: int) -> None:
    """Write a figure as PDF and PNG, atomically and without a date, and close it."""
    with atomic_path(pdf) as temporary:
        figure.savefig(temporary, dpi=dpi, metadata={"CreationDate": None})
    with atomic_path(png) as temporary:
        figure.savefig(temporary, dpi=dpi)
    plt.close(figure)
