"""Galaxies at their umap positions: Figures 1, A1 and A2 (paper Sec. 2.3, App. A)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.common.tables import read_table
from workflow.lib.cutouts.shards import read_thumbnails
from workflow.lib.figures.canvas import Canvas, mosaic


def gather_cells(positions: str | Path, grid: int) -> pd.DataFrame:
    """Choose the galaxies that Figures 1, A1 and A2 show.

    Parameters
    ----------
    positions
        Parquet with iauname, umap_x, umap_y.
    grid
        Most cells along the longer side; there are fewer where galaxies would not fill them.

    Returns
    -------
    pandas.DataFrame
        iauname, umap_x, umap_y, column, row.
    """
    galaxies = read_table(positions, text=["iauname"])
    return place_on_grid(galaxies, cells_for(galaxies, grid))


def draw_representation(canvas: Canvas, cutouts: Sequence[str | Path], *, crop: int) -> None:
    """Draw galaxy thumbnails at their umap positions (Figs. 1, A1, A2).

    Parameters
    ----------
    canvas
        With source data by `gather_cells`.
    cutouts
        The survey's cutout shards.
    crop
        Pixels cut from each side of a thumbnail.
    """
    shown = canvas.source
    side = canvas.side(shown["column"].max() + 1, shown["row"].max() + 1)
    thumbnails = read_thumbnails(cutouts, shown["iauname"].tolist())
    figure, _ = canvas.frame(mosaic(shown, thumbnails, side, crop))
    canvas.save(figure)


def cells_for(positions: pd.DataFrame, most: int) -> int:
    """Choose how many cells the longer side has: as many as show at most half of the galaxies.

    With more, many cells among galaxies would have none, and stay white.

    Parameters
    ----------
    positions
        As for `place_on_grid`.
    most
        The largest number of cells.
    """
    cells = most
    while cells > 1 and 2 * len(place_on_grid(positions, cells)) > len(positions):
        cells -= 1
    return cells


def place_on_grid(positions: pd.DataFrame, cells: int) -> pd.DataFrame:
    """Choose the galaxies that a grid of thumbnails shows.

    Each cell shows the galaxy nearest to its centre, or stays empty if it has none. So a thumbnail
    is never more than one cell from its true position, and no two overlap.

    Parameters
    ----------
    positions
        Columns iauname, umap_x, umap_y.
    cells
        Cells along the longer side of the galaxies' extent; cells are square.

    Returns
    -------
    pandas.DataFrame
        Columns iauname, umap_x, umap_y, column, row (int, from the lower left), sorted by row and
        column.
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
