"""Galaxies at their umap positions (Figs. 1, A1, A2), and the variance that the PCA keeps."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from workflow.lib.common.files import write_text
from workflow.lib.common.tables import read_table
from workflow.lib.cutouts.shards import read_thumbnails
from workflow.lib.figures.canvas import framed, mosaic, notes_on, save_figure


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
