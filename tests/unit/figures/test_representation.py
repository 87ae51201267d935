"""Figures 1, A1, A2: the galaxies that a grid shows, their cells, notes and source data."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.unit.figures.test_canvas import plain
from workflow.lib.common.images import to_jpeg
from workflow.lib.common.tables import write_parquet
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.representation import (
    cells_for,
    draw_representation,
    gather_cells,
    place_on_grid,
)

coordinates = st.floats(-50, 50, width=32)
planes = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=60)


def positions_of(plane):
    frame = pd.DataFrame(plane, columns=["umap_x", "umap_y"], dtype=np.float32)
    frame.insert(0, "iauname", [f"J{number:03d}" for number in range(len(frame))])
    return frame


@given(planes, st.integers(1, 20))
def test_at_most_half_of_the_galaxies_are_shown_in_as_many_cells_as_possible(plane, most):
    positions = positions_of(plane)
    cells = cells_for(positions, most)
    assert 1 <= cells <= most
    shown = [len(place_on_grid(positions, number)) for number in range(1, most + 1)]
    assert cells == 1 or 2 * shown[cells - 1] <= len(positions)
    assert all(2 * count > len(positions) for count in shown[cells:])


def test_hardly_a_cell_among_evenly_spread_galaxies_is_white():
    even = positions_of(np.random.default_rng(0).uniform(size=(1000, 2)))
    cells = cells_for(even, 50)
    shown = len(place_on_grid(even, cells))
    assert 0.7 * cells**2 < shown <= 500
    assert cells_for(even, 10) == 10


@given(planes, st.integers(2, 20))
def test_each_cell_with_galaxies_shows_one_of_them(plane, cells):
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


def test_the_galaxy_nearest_to_the_centre_of_a_cell_is_shown():
    positions = positions_of([(0, 0), (0.9, 1.1), (0.2, 0.2), (4, 4)])
    assert place_on_grid(positions, 2)["iauname"].tolist() == ["J001", "J003"]


def test_galaxies_all_at_one_point_give_one_thumbnail():
    shown = place_on_grid(positions_of([(3, 3)] * 5), 50)
    assert shown[["iauname", "column", "row"]].to_numpy().tolist() == [["J000", 0, 0]]


def test_cells_are_square_and_the_longer_side_is_filled():
    shown = place_on_grid(positions_of([(0, 0), (10, 0), (10, 2.6), (5, 1)]), 10)
    assert shown["column"].max() == 9
    assert shown["row"].max() == 2


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
        files = [folder / f"a.{ending}" for ending in ("pdf", "png", "csv")]
        canvas = Canvas(3.0, dpi, [note] if note else [], *files)
        canvas.write_source(
            gather_cells(tmp_path / "umap.parquet", grid), tmp_path / "encoder.json"
        )
        draw_representation(canvas, cutouts, crop=5)
        return folder

    return draw


def test_a_figure_is_a_pdf_a_png_and_its_source_data(drawn):
    folder = drawn("figure")
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "a.pdf", "a.png"]
    assert (folder / "a.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(folder / "a.png") as picture:
        assert abs(picture.width - 300) <= 1
    table = pd.read_csv(folder / "a.csv")
    assert list(table) == ["iauname", "umap_x", "umap_y", "column", "row", "note"]
    assert len(table) == len(table.drop_duplicates(["column", "row"]))


def test_the_same_input_gives_the_same_bytes(drawn):
    first, second = drawn("first", "random weights"), drawn("second", "random weights")
    for name in ("a.pdf", "a.png", "a.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_notes_are_under_the_picture(drawn):
    def foot(folder):
        with Image.open(folder / "a.png") as picture:
            return np.asarray(picture.convert("L"))

    bare = foot(drawn("bare"))
    labelled = foot(drawn("label", label="random weights"))
    noted = foot(drawn("note", label="random weights", note="simulated galaxies"))
    assert len(bare) < len(labelled) < len(noted)
    assert len(noted) - len(labelled) <= len(labelled) - len(bare) <= 30
    # The picture is the same, and beneath it is ink.
    np.testing.assert_array_equal(labelled[: len(bare) - 2], bare[:-2])
    for picture in (labelled, noted):
        assert (picture[len(bare) + 1 :] < 128).sum() > 50
    other = foot(drawn("other", label="trained on stars"))
    assert (other != labelled).any()


def test_a_grid_finer_than_the_pixels_is_still_drawn(drawn):
    assert (drawn("fine", grid=400, dpi=50) / "a.png").exists()
