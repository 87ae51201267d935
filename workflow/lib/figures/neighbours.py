"""Figure 2: for each tag a galaxy that has it, and the galaxies most similar (paper Sec. 2.4)."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.common.tables import read_table
from workflow.lib.cutouts.shards import read_thumbnails
from workflow.lib.figures.canvas import Canvas, mosaic

TAG_WIDTH = 0.95
"""Width of the column with the tags' names [inch]."""

GREEN = (0, 158, 64)
"""RGB colour of the border of a query."""


def draw_neighbours(
    neighbours: str | Path,
    cutouts: Sequence[str | Path],
    canvas: Canvas,
    *,
    per_row: int,
    crop: int,
) -> None:
    """Draw a row of similar galaxies for each tag, with the query in a green border.

    Parameters
    ----------
    neighbours
        By `similarity.neighbours.find_neighbours`.
    cutouts
        The survey's cutout shards.
    canvas
        Its CSV gets what `place_in_rows` returns.
    per_row
        Galaxies in a row, including the query.
    crop
        Pixels cut from each side of a thumbnail.
    """
    shown = place_in_rows(read_table(neighbours, text=["tag", "query", "iauname"]), per_row)
    side = max(8, round((canvas.width - TAG_WIDTH) * canvas.dpi / per_row))
    picture = mosaic(shown, read_thumbnails(cutouts, shown["iauname"].tolist()), side, crop)
    _mark_cells(picture, side)
    figure, axes = canvas.frame(picture, left=TAG_WIDTH)
    rows = shown["row"].max() + 1
    for tag, row in shown.drop_duplicates("tag")[["tag", "row"]].itertuples(index=False):
        name = "\n".join(textwrap.wrap(tag.replace("-", " ").replace("_", " "), 14))
        middle = (rows - 1 - row + 0.5) * side
        axes.text(-0.08 * canvas.dpi, middle, name, ha="right", va="center", size=8)
    canvas.save(figure, shown, "%.6g")


def place_in_rows(neighbours: pd.DataFrame, per_row: int) -> pd.DataFrame:
    """Put each tag's query and its nearest neighbours into a row, the first tag on top.

    Parameters
    ----------
    neighbours
        Columns tag, query, rank, iauname, distance.
    per_row
        Galaxies in a row, including the query.

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


def _mark_cells(picture: np.ndarray, side: int) -> None:
    """Draw white gaps between cells, and a green border in those of the first column, in place."""
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
