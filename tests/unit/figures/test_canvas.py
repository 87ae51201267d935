"""What all figures share: thumbnails in their cells."""

import numpy as np
import pandas as pd

from workflow.lib.figures.canvas import mosaic


def plain(value, size=20):
    return np.full((size, size, 3), value, np.uint8)


def test_thumbnails_are_in_their_cells_with_row_0_at_the_bottom():
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


def test_a_galaxy_may_be_in_several_cells():
    shown = pd.DataFrame({"iauname": ["a", "b", "a"], "column": [0, 1, 1], "row": [0, 0, 1]})
    picture = mosaic(shown, [("b", plain(50)), ("a", plain(10))], 8, 0)
    corners = picture[[4, 4, 12, 12], [4, 12, 4, 12], 0]
    assert corners.tolist() == [255, 10, 10, 50]
