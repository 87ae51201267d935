"""What all figures share: style, thumbnails in cells, notes, and saving with the source data."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

from workflow.lib.common.files import atomic_path, write_text

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


@dataclass(frozen=True)
class Canvas:
    """The size of a figure, its notes, and the files that it is saved to."""

    width: float
    """Width of the figure [inch]."""
    dpi: int
    """Resolution of the PNG, and of pictures in the PDF [dots per inch]."""
    survey_notes: Sequence[str]
    """What the reader must know about the data, such as that galaxies are simulated."""
    pdf: str | Path
    png: str | Path
    csv: str | Path
    """File for the figure's source data."""
    description: str | Path | None = None
    """The `encoder.json` of the figure's encoder; its label, what it learned from, is a note."""

    @property
    def notes(self) -> list[str]:
        """All notes, a line each: on the galaxies, and on what the encoder learned from."""
        return notes_on(self.survey_notes, self.description)

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
        foot = 0.18 * len(self.notes)
        figure = plt.figure(figsize=(width, height + foot))
        inside, above = left / width, foot / (height + foot)
        axes = figure.add_axes((inside, above, 1 - inside, height / (height + foot)))
        axes.imshow(picture, interpolation="none", aspect="auto")
        axes.set_axis_off()
        text = "\n".join(self.notes)
        figure.text(0.5, 0.05 / (height + foot), text, ha="center", va="bottom", size=7)
        return figure, axes

    def save(
        self, figure: plt.Figure, table: pd.DataFrame, float_format: str | None = None
    ) -> None:
        """Write a figure as PDF and PNG and its source data as CSV, and close the figure.

        Files are written atomically and without a date. `float_format` is that of
        `pandas.DataFrame.to_csv`.
        """
        with atomic_path(self.pdf) as temporary:
            figure.savefig(temporary, dpi=self.dpi, metadata={"CreationDate": None})
        with atomic_path(self.png) as temporary:
            figure.savefig(temporary, dpi=self.dpi)
        plt.close(figure)
        write_text(table.to_csv(index=False, float_format=float_format), self.csv)


def notes_on(survey_notes: Sequence[str], description: str | Path | None) -> list[str]:
    """Add the encoder's label from its `encoder.json`, if it has one, to the notes on galaxies."""
    label = json.loads(Path(description).read_text())["label"] if description else ""
    return [*survey_notes, label] if label else [*survey_notes]


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
