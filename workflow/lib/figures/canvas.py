"""What all figures share: their source data, thumbnails in cells, panels, notes, and saving."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from PIL import Image

from workflow.lib.common.files import atomic_path, write_text
from workflow.lib.figures.style import GREEN, NOTE_SIZE, TALLEST

LINE = 0.15
"""Height of a line of notes [inch]."""

TEXT = {
    "depth", "encoder", "iauname", "label", "line", "measure", "method", "note", "panel",
    "pretraining", "stage", "survey", "tag", "task",
}  # fmt: skip
"""Columns of source data that are read as text, also where they look like numbers."""


@dataclass(frozen=True)
class Canvas:
    """The size of a figure, its notes, its source data, and the files that it is saved to.

    A script writes the source data, and the figure is drawn from that file: so whoever has the file
    has what is drawn, and can draw it anew. Only the pictures of galaxies come from other files.
    """

    width: float
    """Width of the figure [inch]."""
    dpi: int
    """Resolution of the PNG, and of pictures in the PDF [dots per inch]."""
    survey_notes: Sequence[str]
    """What the reader must know about the data, such as that galaxies are simulated."""
    pdf: str | Path
    png: str | Path
    csv: str | Path
    """The figure's source data. Its column `note` says what readers must know about the encoder of
    each row, by `label_of`; missing if nothing."""

    def write_source(self, table: pd.DataFrame, description: str | Path | None = None) -> None:
        """Write the source data, with 8 digits of each number.

        If all of it is of one encoder, `description` is its `encoder.json`, and gives the notes.
        """
        if description is not None:
            table = table.assign(note=label_of(description))
        write_text(table.to_csv(index=False, float_format="%.8g"), self.csv)

    @cached_property
    def source(self) -> pd.DataFrame:
        """The source data, as read from its file; what is empty there is missing."""
        text = dict.fromkeys(TEXT, "str")
        return pd.read_csv(self.csv, dtype=text, keep_default_na=False, na_values=[""])

    @property
    def notes(self) -> list[str]:
        """All notes, a line each: on the galaxies, and on what the encoders learned from."""
        return [*self.survey_notes, *self.source["note"].dropna().unique()]

    def side(self, columns: int, rows: int, width: float | None = None) -> int:
        """Give the largest side of a square cell for a grid that fits the page [pixel].

        Parameters
        ----------
        columns, rows
            Cells of the grid.
        width
            Width of the grid [inch]; that of the figure unless given.
        """
        tall = TALLEST - LINE * (len(self.notes) + 1)
        wide = self.width if width is None else width
        return max(1, int(self.dpi * min(wide / columns, tall / rows)))

    def frame(self, picture: np.ndarray, left: float = 0.0) -> tuple[plt.Figure, plt.Axes]:
        """Make a figure of a picture, with the notes below it.

        Parameters
        ----------
        picture
            Shape (height, width, 3), uint8; each of its pixels becomes one dot of the figure.
        left
            Space for labels to the left of the picture [inch].
        """
        height, width = picture.shape[0] / self.dpi, left + picture.shape[1] / self.dpi
        foot = LINE * (len(self.notes) + 1) if self.notes else 0
        figure = plt.figure(figsize=(width, height + foot))
        inside, above = left / width, foot / (height + foot)
        axes = figure.add_axes((inside, above, 1 - inside, height / (height + foot)))
        axes.imshow(picture, interpolation="none", aspect="auto")
        axes.set_axis_off()
        text = "\n".join(self.notes)
        middle = LINE / 2 / (height + foot)
        figure.text(0.5, middle, text, ha="center", va="bottom", size=NOTE_SIZE)
        return figure, axes

    def panels(
        self,
        rows: int,
        columns: int,
        height: float,
        width: float = 1.0,
        **options: Any,
    ) -> tuple[plt.Figure, np.ndarray]:
        """Make a figure with panels, with the notes below them.

        Parameters
        ----------
        rows, columns
            Number of panels.
        height
            Height of the figure, at most that of the page [inch].
        width
            Its width, as a part of the canvas's.
        **options
            Of `matplotlib.pyplot.subplots`.

        Returns
        -------
        figure, axes
            The figure, and its panels, of shape (rows, columns).
        """
        size = (self.width * width, min(height, TALLEST))
        figure, axes = plt.subplots(
            rows, columns, figsize=size, squeeze=False, layout="constrained", **options
        )
        figure.supxlabel("\n".join(self.notes), fontsize=NOTE_SIZE)
        return figure, axes

    def save(self, figure: plt.Figure) -> None:
        """Write a figure as PDF and PNG, atomically and without a date, and close it."""
        with atomic_path(self.pdf) as temporary:
            figure.savefig(temporary, dpi=self.dpi, metadata={"CreationDate": None})
        with atomic_path(self.png) as temporary:
            figure.savefig(temporary, dpi=self.dpi)
        plt.close(figure)


def legend_above(figure: plt.Figure, columns: int | None = None) -> None:
    """Put one legend of all panels above them; each label stands in it once.

    Parameters
    ----------
    columns
        Of the legend; as many as there are labels unless given.
    """
    handles = {
        label: handle
        for axes in figure.axes
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles, loc="outside upper center", ncols=columns or len(handles)
    )


BORDER = tuple(round(255 * part) for part in to_rgb(GREEN))
"""RGB colour of the border around some cells."""


def label_of(description: str | Path) -> str:
    """Read what readers must know about an encoder from its `encoder.json`; empty if nothing."""
    return json.loads(Path(description).read_text())["label"]


def mosaic(
    shown: pd.DataFrame, thumbnails: Iterable[tuple[str, np.ndarray]], side: int, crop: int
) -> np.ndarray:
    """Paint thumbnails into their cells on white.

    Parameters
    ----------
    shown
        Columns iauname, column, row, as from `representation.place_on_grid`; a galaxy may be in
        several cells.
    thumbnails
        Of each galaxy shown, in any order: iauname and RGB image, uint8, shape (s, s, 3).
    side
        Side of a cell [pixel].
    crop
        Pixels cut from each side of a thumbnail.

    Returns
    -------
    numpy.ndarray
        Shape (rows * side, columns * side, 3), uint8; row 0 is at the bottom.
    """
    columns, rows = shown["column"].max() + 1, shown["row"].max() + 1
    picture = np.full((rows * side, columns * side, 3), 255, np.uint8)
    cells = shown.groupby("iauname")
    for iauname, thumbnail in thumbnails:
        middle = thumbnail[crop : len(thumbnail) - crop, crop : len(thumbnail) - crop]
        small = Image.fromarray(middle).resize((side, side), Image.Resampling.LANCZOS)
        for galaxy in cells.get_group(iauname).itertuples():
            top, left = (rows - 1 - galaxy.row) * side, galaxy.column * side
            picture[top : top + side, left : left + side] = small
    return picture


def mark_cells(picture: np.ndarray, side: int, marked: pd.DataFrame) -> None:
    """Draw white gaps between the cells of a mosaic, and a green border in some, in place.

    Parameters
    ----------
    picture
        By `mosaic`, with cells of `side` pixels.
    marked
        The cells with a border, by column and row.
    """
    gap = max(1, side // 60)
    for axis in (0, 1):
        edges = np.arange(0, picture.shape[axis] + 1, side)
        lines = np.unique(np.clip(edges[:, None] + np.arange(-gap, gap), 0, None))
        lines = lines[lines < picture.shape[axis]]
        picture[(lines,) if axis == 0 else (slice(None), lines)] = 255
    rows = len(picture) // side
    for cell in marked.itertuples():
        top, left = (rows - 1 - cell.row) * side, cell.column * side
        inside = picture[top + gap : top + side - gap, left + gap : left + side - gap]
        middle = inside[3 * gap : -3 * gap, 3 * gap : -3 * gap].copy()
        inside[:] = BORDER
        inside[3 * gap : -3 * gap, 3 * gap : -3 * gap] = middle
