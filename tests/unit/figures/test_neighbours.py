"""Figure 2: a row for each tag, with the query and its neighbours."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.unit.figures.test_canvas import plain
from workflow.lib.common.images import to_jpeg
from workflow.lib.common.tables import write_parquet
from workflow.lib.figures.canvas import BORDER, Canvas
from workflow.lib.figures.neighbours import TAG_WIDTH, draw_neighbours, gather_rows, place_in_rows


def neighbours_of(tags, count):
    rows = [
        {"tag": tag, "query": f"Q{place}", "rank": rank, "iauname": f"J{rank}", "distance": rank}
        for place, tag in enumerate(tags)
        for rank in range(1, count + 1)
    ]
    return pd.DataFrame(rows)


def test_rows_of_similar_galaxies_start_with_the_query_and_keep_the_order():
    shown = place_in_rows(neighbours_of(["ring", "core"], 5), 4)
    assert shown["iauname"].tolist() == ["Q0", "J1", "J2", "J3", "Q1", "J1", "J2", "J3"]
    assert shown["row"].tolist() == [1] * 4 + [0] * 4
    assert shown["column"].tolist() == [0, 1, 2, 3] * 2
    assert shown["rank"].tolist() == [0, 1, 2, 3] * 2
    two = place_in_rows(neighbours_of(["ring", "core", "dust"], 5), 2, 2)
    assert two[["block", "row"]].to_numpy().tolist() == [[0, 1]] * 2 + [[0, 0]] * 2 + [[1, 1]] * 2
    short = place_in_rows(neighbours_of(["ring"], 1), 4)
    assert short["iauname"].tolist() == ["Q0", "J1"]


@pytest.fixture
def rows_drawn(tmp_path):
    """Neighbours and cutouts of galaxies in plain greys, and a way to draw them."""
    names = ["Q0", "Q1", *(f"J{rank}" for rank in range(1, 6))]
    jpegs = [to_jpeg(plain(20 + 30 * number, 60), 95) for number in range(len(names))]
    table = pd.DataFrame({"iauname": names, "thumbnail": jpegs})
    write_parquet(table, tmp_path / "0-of-1.parquet")

    def draw(name, tags=("ring", "dust-lane"), note="", label="", blocks=1):
        folder = tmp_path / name
        (tmp_path / "encoder.json").write_text(json.dumps({"label": label}))
        write_parquet(neighbours_of(tags, 5), tmp_path / "neighbours.parquet")
        files = [folder / f"a.{ending}" for ending in ("pdf", "png", "csv")]
        canvas = Canvas(4.0, 100, [note] if note else [], *files)
        neighbours, description = tmp_path / "neighbours.parquet", tmp_path / "encoder.json"
        canvas.write_source(gather_rows(neighbours, per_row=4, blocks=blocks), description)
        draw_neighbours(canvas, [tmp_path / "0-of-1.parquet"], crop=10)
        with Image.open(folder / "a.png") as picture:
            return folder, np.asarray(picture.convert("RGB")).astype(int)

    return draw


def test_each_row_has_a_green_query_its_neighbours_in_order_and_the_tag(rows_drawn):
    folder, picture = rows_drawn("figure")
    green = (picture == BORDER).all(axis=2)
    left, right = np.flatnonzero(green.any(axis=0))[[0, -1]]
    side = (picture.shape[1] - round(TAG_WIDTH * 100)) // 4
    assert right - left < side
    assert abs(picture.shape[0] - 2 * side) <= 2
    for row, first in enumerate([20, 50]):
        middle = row * side + side // 2
        assert green[row * side : (row + 1) * side].any()
        centres = [round(TAG_WIDTH * 100) + side // 2 + side * column for column in range(4)]
        greys = picture[middle, centres, 0]
        np.testing.assert_allclose(greys, [first, 80, 110, 140], atol=3)
        assert (picture[row * side : (row + 1) * side, : left - 2] < 128).sum() > 50  # the tag
    table = pd.read_csv(folder / "a.csv")
    assert list(table) == ["tag", "rank", "iauname", "distance", "block", "column", "row", "note"]
    assert table["iauname"].tolist() == ["Q0", "J1", "J2", "J3", "Q1", "J1", "J2", "J3"]


def test_two_blocks_stand_side_by_side_and_the_figure_is_as_wide(rows_drawn):
    _, picture = rows_drawn("blocks", tags=("ring", "dust-lane", "core"), blocks=2)
    assert abs(picture.shape[1] - 400) <= 8
    green = (picture == BORDER).all(axis=2)
    rows, columns = green.any(axis=1), green.any(axis=0)
    side = len(picture) // 2
    assert rows[:side].any() and rows[side:].any()
    assert columns[:200].any() and columns[200:].any()
    # The second block has one row: it is at the top.
    assert not green[side:, 200:].any()
    assert (picture[side:, 200 + round(100 * TAG_WIDTH) :] == 255).all()


def test_figure_2_has_its_notes_and_the_same_bytes_each_time(rows_drawn):
    bare, picture = rows_drawn("bare")
    again, _ = rows_drawn("again")
    for name in ("a.pdf", "a.png", "a.csv"):
        assert (bare / name).read_bytes() == (again / name).read_bytes(), name
    _, noted = rows_drawn("noted", note="simulated galaxies", label="random weights")
    assert len(noted) > len(picture)
    assert (noted[len(picture) + 1 :] < 128).sum() > 100
