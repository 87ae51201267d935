"""Figure 2: for each tag a galaxy that has it, and the galaxies most similar (paper Sec. 2.4)."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.common.tables import read_table
from workflow.lib.cutouts.shards import read_thumbnails
from workflow.lib.figures.canvas import Canvas, mark_cells, mosaic

TAG_WIDTH = 0.7
"""Width of the tags' names, left of each block of rows [inch]."""


def gather_rows(neighbours: str | Path, *, per_row: int, blocks: int) -> pd.DataFrame:
    """Choose the galaxies that Figure 2 shows.

    Parameters
    ----------
    neighbours
        By `similarity.neighbours.find_neighbours`.
    per_row
        Galaxies in a row, including the query.
    blocks
        Number of blocks of rows side by side; the paper's are on two pages.

    Returns
    -------
    pandas.DataFrame
        What `place_in_rows` returns.
    """
    return place_in_rows(read_table(neighbours, text=["tag", "query", "iauname"]), per_row, blocks)


def draw_neighbours(canvas: Canvas, cutouts: Sequence[str | Path], *, crop: int) -> None:
    """Draw a row of similar galaxies for each tag, with the query in a green border.

    Parameters
    ----------
    canvas
        With source data by `gather_rows`.
    cutouts
        The survey's cutout shards.
    crop
        Pixels cut from each side of a thumbnail.
    """
    shown = canvas.source
    rows, per_row, count = (shown[name].max() + 1 for name in ("row", "column", "block"))
    side = canvas.side(per_row * count, rows, canvas.width - TAG_WIDTH * count)
    gap = round(TAG_WIDTH * canvas.dpi)
    wide = per_row * side + gap
    picture = np.full((rows * side, count * wide - gap, 3), 255, np.uint8)
    for block, placed in shown.groupby("block"):
        part = mosaic(placed, read_thumbnails(cutouts, placed["iauname"].tolist()), side, crop)
        mark_cells(part, side, placed[placed["rank"] == 0])
        height, width = part.shape[:2]
        picture[-height:, block * wide : block * wide + width] = part
    figure, axes = canvas.frame(picture, left=TAG_WIDTH)
    for query in shown[shown["rank"] == 0].itertuples():
        name = "\n".join(textwrap.wrap(query.tag.replace("-", " ").replace("_", " "), 11))
        axes.text(
            query.block * wide - 0.06 * canvas.dpi, (rows - 1 - query.row + 0.5) * side, name,
            ha="right", va="center", size=7,
        )  # fmt: skip
    canvas.save(figure)


def place_in_rows(neighbours: pd.DataFrame, per_row: int, blocks: int = 1) -> pd.DataFrame:
    """Put each tag's query and its nearest neighbours into a row, the first tag on top.

    Parameters
    ----------
    neighbours
        Columns tag, query, rank, iauname, distance.
    per_row
        Galaxies in a row, including the query.
    blocks
        Number of blocks, which are filled one after the other.

    Returns
    -------
    pandas.DataFrame
        tag, rank (0 is the query), iauname, distance, block (int, from the left), column, row (int,
        from the lower left of the block; a block that is not full ends in a higher row).
    """
    queries = neighbours.drop_duplicates("tag").drop(columns="iauname")
    queries = queries.assign(rank=0, distance=0.0).rename(columns={"query": "iauname"})
    tall = -(-len(queries) // blocks)
    order = {tag: divmod(place, tall) for place, tag in enumerate(queries["tag"])}
    ranked = pd.concat([queries, neighbours])[["tag", "rank", "iauname", "distance"]]
    shown = ranked[ranked["rank"] < per_row]
    shown = shown.assign(
        block=[order[tag][0] for tag in shown["tag"]],
        column=shown["rank"],
        row=[tall - 1 - order[tag][1] for tag in shown["tag"]],
    )
    by = ["block", "row", "column"]
    return shown.sort_values(by, ascending=[True, False, True]).reset_index(drop=True)
