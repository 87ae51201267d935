"""Figures: the galaxies that a grid shows, where they stand, and what is written with them."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from workflow.lib.common.images import to_jpeg
from workflow.lib.common.tables import write_parquet
from workflow.lib.figures.canvas import mosaic
from workflow.lib.figures.neighbours import GREEN, LABEL_WIDTH, draw_neighbours, place_in_rows
from workflow.lib.figures.representation import draw_representation, draw_variance, place_on_grid

coordinates = st.floats(-50, 50, width=32)
planes = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=60)


def positions_of(plane):
    frame = pd.DataFrame(plane, columns=["umap_x", "umap_y"], dtype=np.float32)
    frame.insert(0, "iauname", [f"J{number:03d}" for number in range(len(frame))])
    return frame


@given(planes, st.integers(2, 20))
def test_each_cell_with_galaxies_shows_one_of_its_own(plane, cells):
    positions = positions_of(plane)
    shown = place_on_grid(positions, cells)
    assert not shown.duplicated(["column", "row"]).any()
    assert shown["iauname"].is_unique
    xy = positions[["umap_x", "umap_y"]].to_numpy(np.float64)
    side = (np.ptp(xy, axis=0).max() or 1.0) / cells
    low = xy.min(axis=0)
    corners = low + shown[["column", "row"]].to_numpy() * side
    offsets = (shown[["umap_x", "umap_y"]].to_numpy(np.float64) - corners) / side
    assert offsets.min() >= -1e-6
    assert offsets.max() <= 1 + 1e-6
    occupied = {tuple(cell) for cell in np.minimum((xy - low) / side + 1e-9, cells - 1).astype(int)}
    surely = {tuple(cell) for cell in np.minimum((xy - low) / side - 1e-9, cells - 1).astype(int)}
    there = set(shown[["column", "row"]].itertuples(index=False, name=None))
    assert occupied & surely <= there
    assert shown[["column", "row"]].to_numpy().max() < cells
    assert shown[["column", "row"]].to_numpy().min() == 0


@given(planes, st.integers(2, 20), st.randoms(use_true_random=False))
def test_the_order_of_the_galaxies_changes_nothing(plane, cells, random):
    positions = positions_of(plane)
    order = list(range(len(plane)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(
        place_on_grid(positions.iloc[order], cells), place_on_grid(positions, cells)
    )


def test_the_galaxy_nearest_to_the_middle_of_a_cell_is_shown():
    positions = positions_of([(0, 0), (0.9, 1.1), (0.2, 0.2), (4, 4)])
    assert place_on_grid(positions, 2)["iauname"].tolist() == ["J001", "J003"]


def test_galaxies_all_at_one_point_are_one_thumbnail():
    shown = place_on_grid(positions_of([(3, 3)] * 5), 50)
    assert shown[["iauname", "column", "row"]].to_numpy().tolist() == [["J000", 0, 0]]


def test_cells_are_square_and_the_longer_side_is_filled():
    shown = place_on_grid(positions_of([(0, 0), (10, 0), (10, 2.6), (5, 1)]), 10)
    assert shown["column"].max() == 9
    assert shown["row"].max() == 2


def plain(value, size=20):
    return np.full((size, size, 3), value, np.uint8)


def test_thumbnails_stand_in_their_cells_with_the_first_row_at_the_bottom():
    shown = pd.DataFrame({"iauname": ["a", "b", "c"], "column": [0, 2, 1], "row": [0, 0, 1]})
    picture = mosaic(shown, [("c", plain(90)), ("a", plain(10)), ("b", plain(50))], 8, 0)
    assert picture.shape == (16, 24, 3)
    assert picture.dtype == np.uint8
    cells = picture.reshape(2, 8, 3, 8, 3).transpose(0, 2, 1, 3, 4).reshape(2, 3, -1)
    assert [[set(cell) for cell in row] for row in cells] == [
        [{255}, {90}, {255}],
        [{10}, {255}, {50}],
    ]


def test_thumbnails_are_cropped_before_they_are_shrunk_and_not_turned():
    thumbnail = plain(0)
    thumbnail[5:15, 5:15] = 200
    thumbnail[5:10, 5:10] = 100
    shown = pd.DataFrame({"iauname": ["a"], "column": [0], "row": [0]})
    picture = mosaic(shown, [("a", thumbnail)], 10, 5)
    np.testing.assert_array_equal(picture, thumbnail[5:15, 5:15])


@pytest.fixture
def drawn(tmp_path):
    """Positions and cutouts of 30 galaxies, and a way to draw them."""
    rng = np.random.default_rng(0)
    positions = positions_of(rng.normal(size=(30, 2)))
    write_parquet(positions, tmp_path / "umap.parquet")
    jpegs = [to_jpeg(plain(number * 8, 40), 90) for number in range(30)]
    cutouts = [tmp_path / "0-of-2.parquet", tmp_path / "1-of-2.parquet"]
    for index, path in enumerate(cutouts):
        rows = slice(15 * index, 15 * index + 15)
        names = positions["iauname"][rows]
        write_parquet(pd.DataFrame({"iauname": names, "thumbnail": jpegs[rows]}), path)

    def draw(name, label="", note="", grid=6, dpi=100):
        folder = tmp_path / name
        (tmp_path / "encoder.json").write_text(json.dumps({"label": label}))
        draw_representation(
            tmp_path / "umap.parquet", cutouts, tmp_path / "encoder.json",
            grid=grid, crop=5, width=3.0, dpi=dpi, survey_note=note,
            pdf=folder / "a.pdf", png=folder / "a.png", csv=folder / "a.csv",
        )  # fmt: skip
        return folder

    return draw


def test_a_figure_is_a_pdf_a_png_and_its_source_data(drawn):
    folder = drawn("figure")
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "a.pdf", "a.png"]
    assert (folder / "a.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(folder / "a.png") as picture:
        assert abs(picture.width - 300) <= 1
    table = pd.read_csv(folder / "a.csv")
    assert list(table) == ["iauname", "umap_x", "umap_y", "column", "row"]
    assert len(table) == len(table.drop_duplicates(["column", "row"]))


def test_the_same_input_gives_the_same_bytes(drawn):
    first, second = drawn("first", "random weights"), drawn("second", "random weights")
    for name in ("a.pdf", "a.png", "a.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_what_a_reader_must_know_is_under_the_picture(drawn):
    def foot(folder):
        with Image.open(folder / "a.png") as picture:
            return np.asarray(picture.convert("L"))

    bare = foot(drawn("bare"))
    labelled = foot(drawn("label", label="random weights"))
    noted = foot(drawn("note", label="random weights", note="simulated galaxies"))
    assert len(bare) < len(labelled) < len(noted)
    assert abs(len(noted) - len(labelled) - (len(labelled) - len(bare))) <= 2
    # The picture is the same, and beneath it is ink.
    np.testing.assert_array_equal(labelled[: len(bare) - 2], bare[:-2])
    for picture in (labelled, noted):
        assert (picture[len(bare) + 1 :] < 128).sum() > 50
    other = foot(drawn("other", label="trained on stars"))
    assert (other != labelled).any()


def test_a_grid_finer_than_the_pixels_is_still_drawn(drawn):
    assert (drawn("fine", grid=400, dpi=50) / "a.png").exists()


def test_the_variance_figures_source_data_is_what_the_fits_kept(tmp_path):
    (tmp_path / "encoder.json").write_text(json.dumps({"label": ""}))
    tables = {}
    for survey, fall in {"decals": 0.5, "gz2": 0.8}.items():
        tables[survey] = []
        for components in (2, 4):
            ratio = (1 - fall) * fall ** np.arange(components)
            path = tmp_path / f"{survey}{components}.csv"
            pd.DataFrame(
                {
                    "component": np.arange(1, components + 1),
                    "explained_variance_ratio": ratio,
                    "cumulative": ratio.cumsum(),
                }
            ).to_csv(path, index=False)
            tables[survey].append(path)
    for name in ("first", "second"):
        draw_variance(
            tables, tmp_path / "encoder.json", width=6.97, dpi=50, survey_note="",
            pdf=tmp_path / f"{name}.pdf", png=tmp_path / f"{name}.png",
            csv=tmp_path / f"{name}.csv",
        )  # fmt: skip
    for ending in ("pdf", "png", "csv"):
        first, second = (tmp_path / f"{name}.{ending}" for name in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    kept = pd.read_csv(tmp_path / "first.csv").set_index(["survey", "fitted", "component"])
    assert len(kept) == 12
    assert kept.loc[("decals", 4, 4), "cumulative"] == pytest.approx(1 - 0.5**4)
    assert kept.loc[("gz2", 2, 2), "cumulative"] == pytest.approx(1 - 0.8**2)


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
    short = place_in_rows(neighbours_of(["ring"], 1), 4)
    assert short["iauname"].tolist() == ["Q0", "J1"]


def test_a_galaxy_may_stand_in_several_cells():
    shown = pd.DataFrame({"iauname": ["a", "b", "a"], "column": [0, 1, 1], "row": [0, 0, 1]})
    picture = mosaic(shown, [("b", plain(50)), ("a", plain(10))], 8, 0)
    corners = picture[[4, 4, 12, 12], [4, 12, 4, 12], 0]
    assert corners.tolist() == [255, 10, 10, 50]


@pytest.fixture
def rows_drawn(tmp_path):
    """Neighbours and cutouts of galaxies in plain greys, and a way to draw them."""
    names = ["Q0", "Q1", *(f"J{rank}" for rank in range(1, 6))]
    jpegs = [to_jpeg(plain(20 + 30 * number, 60), 95) for number in range(len(names))]
    table = pd.DataFrame({"iauname": names, "thumbnail": jpegs})
    write_parquet(table, tmp_path / "0-of-1.parquet")

    def draw(name, tags=("ring", "dust-lane"), note="", label=""):
        folder = tmp_path / name
        (tmp_path / "encoder.json").write_text(json.dumps({"label": label}))
        write_parquet(neighbours_of(tags, 5), tmp_path / "neighbours.parquet")
        draw_neighbours(
            tmp_path / "neighbours.parquet", [tmp_path / "0-of-1.parquet"],
            tmp_path / "encoder.json",
            per_row=4, crop=10, width=4.0, dpi=100, survey_note=note,
            pdf=folder / "a.pdf", png=folder / "a.png", csv=folder / "a.csv",
        )  # fmt: skip
        with Image.open(folder / "a.png") as picture:
            return folder, np.asarray(picture.convert("RGB")).astype(int)

    return draw


def test_each_row_has_a_green_query_its_neighbours_in_order_and_the_tag(rows_drawn):
    folder, picture = rows_drawn("figure")
    green = (picture == GREEN).all(axis=2)
    left, right = np.flatnonzero(green.any(axis=0))[[0, -1]]
    side = (picture.shape[1] - round(LABEL_WIDTH * 100)) // 4
    assert right - left < side
    assert abs(picture.shape[0] - 2 * side) <= 2
    for row, first in enumerate([20, 50]):
        middle = row * side + side // 2
        assert green[row * side : (row + 1) * side].any()
        centres = [round(LABEL_WIDTH * 100) + side // 2 + side * column for column in range(4)]
        greys = picture[middle, centres, 0]
        np.testing.assert_allclose(greys, [first, 80, 110, 140], atol=3)
        assert (picture[row * side : (row + 1) * side, : left - 2] < 128).sum() > 50  # the tag
    table = pd.read_csv(folder / "a.csv")
    assert list(table) == ["tag", "rank", "iauname", "distance", "column", "row"]
    assert table["iauname"].tolist() == ["Q0", "J1", "J2", "J3", "Q1", "J1", "J2", "J3"]


def test_figure_2_says_what_a_reader_must_know_and_has_the_same_bytes(rows_drawn):
    bare, picture = rows_drawn("bare")
    again, _ = rows_drawn("again")
    for name in ("a.pdf", "a.png", "a.csv"):
        assert (bare / name).read_bytes() == (again / name).read_bytes(), name
    _, noted = rows_drawn("noted", note="simulated galaxies", label="random weights")
    assert len(noted) > len(picture)
    assert (noted[len(picture) + 1 :] < 128).sum() > 100
