"""Galaxies like those with a tag (Fig. 2)."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.common.files import write_text
from workflow.lib.common.tables import read_table
from workflow.lib.cutouts.shards import read_thumbnails
from workflow.lib.figures.canvas import framed, mosaic, notes_on, save_figure

LABEL_WIDTH = 0.95
"""Room for the tags beside Figure 2 [inch]."""

GREEN = (0, 158, 64)
"""The border of a query in Figure 2."""


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
        By `neighbours.find_neighbours`.
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
