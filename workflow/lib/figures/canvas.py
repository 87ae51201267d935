"""Figures 1, 2, A1, A2 (paper Sec. 2.3, 2.4, App. A) and the variance that the PCA keeps."""

import json
import textwrap
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

LABEL_WIDTH = 0.95
"""Room for the tags beside Figure 2 [inch]."""

GREEN = (0, 158, 64)
"""The border of a query in Figure 2."""


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
    figure, _ = framed(picture, notes_on(survey_note, description), dpi)
    save_figure(figure, pdf, png, dpi)
    write_text(shown.to_csv(index=False, float_format="%.4f"), csv)


def place_in_rows(neighbours: pd.DataFrame, per_row: int) -> pd.DataFrame:
    """Put each tag's query and its first neighbours into a row, the first tag on top.

    Parameters
    ----------
    neighbours
        Columns tag, query, rank, iauname, distance.
    per_row
        Galaxies in a row, the query included.

    Returns
    -------
    pandas.DataFrame
        tag, rank (0 is the query), iauname, distance, column, row (int, from the lower left).
    """
    queries = neighbours.drop_duplicates("tag").drop(columns="iauname")
    queries = queries.assign(rank=0, distance=0.0).rename(columns={"query": "iauname"})
    order = {tag: row for row, tag in enumerate(queries["tag"][::-1])}
    ranked = pd.concat([queries, neighbours])[["tag", "rank", "iauname", "distance"]]
    shown = ranked[ranked["rank"] < per_row]
    shown = shown.assign(column=shown["rank"], row=shown["tag"].map(order))
    return shown.sort_values(["row", "column"], ascending=[False, True]).reset_index(drop=True)


def draw_neighbours(
    neighbours: str | Path,
    cutouts: Sequence[str | Path],
    description: str | Path,
    *,
    per_row: int,
    crop: int,
    width: float,
    dpi: int,
    survey_note: str,
    pdf: str | Path,
    png: str | Path,
    csv: str | Path,
) -> None:
    """Draw a row of similar galaxies for each tag, with the query in a green border (Fig. 2).

    Parameters
    ----------
    neighbours
        By `retrieval.find_neighbours`.
    per_row
        Galaxies in a row, the query included.
    cutouts, description, crop, width, dpi, survey_note, pdf, png, csv
        As for `draw_representation`.
    """
    shown = place_in_rows(read_table(neighbours, text=["tag", "query", "iauname"]), per_row)
    side = max(8, round((width - LABEL_WIDTH) * dpi / per_row))
    picture = mosaic(shown, read_thumbnails(cutouts, shown["iauname"].tolist()), side, crop)
    _part_cells(picture, side)
    figure, axes = framed(picture, notes_on(survey_note, description), dpi, left=LABEL_WIDTH)
    rows = shown["row"].max() + 1
    for tag, row in shown.drop_duplicates("tag")[["tag", "row"]].itertuples(index=False):
        name = "\n".join(textwrap.wrap(tag.replace("-", " ").replace("_", " "), 14))
        middle = (rows - 1 - row + 0.5) * side
        axes.text(-0.08 * dpi, middle, name, ha="right", va="center", size=8)
    save_figure(figure, pdf, png, dpi)
    write_text(shown.to_csv(index=False, float_format="%.6g"), csv)


def _part_cells(picture: np.ndarray, side: int) -> None:
    """Leave some white between cells, and draw the border of those in the first column."""
    gap = max(1, side // 60)
    for axis in (0, 1):
        edges = np.arange(0, picture.shape[axis] + 1, side)
        lines = np.unique(np.clip(edges[:, None] + np.arange(-gap, gap), 0, None))
        lines = lines[lines < picture.shape[axis]]
        picture[(lines,) if axis == 0 else (slice(None), lines)] = 255
    for top in range(0, len(picture), side):
        cell = picture[top + gap : top + side - gap, gap : side - gap]
        middle = cell[3 * gap : -3 * gap, 3 * gap : -3 * gap].copy()
        cell[:] = GREEN
        cell[3 * gap : -3 * gap, 3 * gap : -3 * gap] = middle


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
    axes.set_title("\n".join(notes_on(survey_note, description)), fontsize=6)
    save_figure(figure, pdf, png, dpi)
    write_text(table.to_csv(index=False, float_format="%.6f"), csv)


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
