"""Figures 1, A1, A2 (paper Sec. 2.3, App. A) and the variance that the PCA keeps."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

from workflow.lib.cutouts import read_thumbnails
from workflow.lib.files import atomic_path, write_text
from workflow.lib.tables import read_table

plt.rcParams.update(
    {
        "font.size": 8,
        "font.family": "serif",
        "pdf.fonttype": 42,
        # The same data must give the same bytes.
        "svg.hashsalt": "morphoflow",
    }
)


def place_on_grid(positions: pd.DataFrame, cells: int) -> pd.DataFrame:
    """Choose the galaxies that a grid of thumbnails shows.

    In each cell that holds galaxies, the one nearest to the cell's centre is shown there; so a
    thumbnail is never more than a cell from its true position, and none overlap.

    Parameters
    ----------
    positions
        Columns iauname, umap_x, umap_y.
    cells
        Cells along the longer side of the galaxies' extent; cells are square.

    Returns
    -------
    pandas.DataFrame
        Columns iauname, umap_x, umap_y, column, row (int, from the lower left), by row and column.
    """
    xy = positions[["umap_x", "umap_y"]].to_numpy(np.float64)
    low, extent = xy.min(axis=0), np.ptp(xy, axis=0).max()
    scaled = (xy - low) / (extent or 1.0) * cells
    cell = np.minimum(scaled.astype(int), cells - 1)
    distance = np.square(scaled - cell - 0.5).sum(axis=1)
    placed = positions.assign(column=cell[:, 0], row=cell[:, 1], distance=distance)
    nearest = placed.sort_values(["row", "column", "distance", "iauname"])
    shown = nearest.drop_duplicates(["row", "column"]).drop(columns="distance")
    return shown.reset_index(drop=True)


def mosaic(
    shown: pd.DataFrame, thumbnails: Iterable[tuple[str, np.ndarray]], side: int, crop: int
) -> np.ndarray:
    """Paint thumbnails into their cells on white.

    Parameters
    ----------
    shown
        Columns iauname, column, row, as from `place_on_grid`.
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
    cells = {galaxy.iauname: (galaxy.column, galaxy.row) for galaxy in shown.itertuples()}
    for iauname, thumbnail in thumbnails:
        column, row = cells[iauname]
        top, left = (rows - 1 - row) * side, column * side
        middle = thumbnail[crop : len(thumbnail) - crop, crop : len(thumbnail) - crop]
        canvas[top : top + side, left : left + side] = Image.fromarray(middle).resize(
            (side, side), Image.Resampling.LANCZOS
        )
    return canvas


def draw_representation(
    positions: str | Path,
    cutouts: Sequence[str | Path],
    description: str | Path,
    *,
    grid: int,
    crop: int,
    width: float,
    dpi: int,
    survey_note: str,
    pdf: str | Path,
    png: str | Path,
    csv: str | Path,
) -> None:
    """Draw galaxy thumbnails at their umap positions (Figs. 1, A1, A2).

    Parameters
    ----------
    positions
        Parquet with iauname, umap_x, umap_y.
    cutouts
        The survey's cutout shards.
    description
        The `encoder.json` of the encoder; its label, if any, is written under the figure.
    grid
        Cells along the longer side.
    crop
        Pixels cut from each side of a thumbnail.
    width
        Of the figure [inch].
    dpi
        Dots an inch.
    survey_note
        What the reader must know of the galaxies, such as that they are simulated; may be empty.
    pdf, png, csv
        The figure, and the galaxies shown with their positions.
    """
    shown = place_on_grid(read_table(positions, text=["iauname"]), grid)
    columns = shown["column"].max() + 1
    side = max(1, round(width * dpi / columns))
    thumbnails = read_thumbnails(cutouts, shown["iauname"].tolist())
    picture = mosaic(shown, thumbnails, side, crop)
    notes = _notes(survey_note, description)
    foot = 0.18 * len(notes)
    # The width of whole cells, so that a pixel of the picture is a dot of the figure.
    height, width = picture.shape[0] / dpi, picture.shape[1] / dpi
    figure = plt.figure(figsize=(width, height + foot))
    axes = figure.add_axes((0, foot / (height + foot), 1, height / (height + foot)))
    axes.imshow(picture, interpolation="none", aspect="auto")
    axes.set_axis_off()
    figure.text(0.5, 0.05 / (height + foot), "\n".join(notes), ha="center", va="bottom", size=7)
    save_figure(figure, pdf, png, dpi)
    write_text(shown.to_csv(index=False, float_format="%.4f"), csv)


def draw_variance(
    variances: Mapping[str, Sequence[str | Path]],
    description: str | Path,
    *,
    width: float,
    dpi: int,
    survey_note: str,
    pdf: str | Path,
    png: str | Path,
    csv: str | Path,
) -> None:
    """Draw the share of the variance that the first components keep, a line for each survey.

    Parameters
    ----------
    variances
        For each survey the tables that `compress` writes, one a number of components. The line is
        the longest fit; a point is what a fit of just so many components keeps.
    description, width, dpi, survey_note, pdf, png, csv
        As for `draw_representation`.
    """
    tables = [
        pd.read_csv(path).assign(survey=survey, fitted=lambda table: len(table))
        for survey, paths in variances.items()
        for path in paths
    ]
    table = pd.concat(tables)[["survey", "fitted", "component", "cumulative"]]
    figure, axes = plt.subplots(figsize=(width / 2, width / 2.6), layout="constrained")
    for survey, rows in table.groupby("survey", sort=False):
        longest = rows[rows["fitted"] == rows["fitted"].max()]
        ends = rows[rows["component"] == rows["fitted"]]
        kept = ", ".join(f"{end.component}: {end.cumulative:.1%}" for end in ends.itertuples())
        (line,) = axes.plot(longest["component"], longest["cumulative"], label=f"{survey} ({kept})")
        axes.plot(ends["component"], ends["cumulative"], "o", color=line.get_color(), ms=3)
    axes.set(xlabel="principal components", ylabel="cumulative explained variance", ylim=(None, 1))
    axes.legend(frameon=False, loc="lower right", fontsize=6, handlelength=1)
    axes.set_title("\n".join(_notes(survey_note, description)), fontsize=6)
    save_figure(figure, pdf, png, dpi)
    write_text(table.to_csv(index=False, float_format="%.6f"), csv)


def _notes(survey_note: str, description: str | Path) -> list[str]:
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
