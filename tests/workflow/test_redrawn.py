"""Each figure drawn again from its source data alone is the workflow's, pixel by pixel.

That of the comparison is in `test_readme`, where there is a comparison.
"""

import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.project import ROOT
from workflow.lib.figures.anomalies import draw_finds, draw_interest, draw_scores
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.finetuning import draw_finetuning
from workflow.lib.figures.neighbours import draw_neighbours
from workflow.lib.figures.pca_variance import draw_variance
from workflow.lib.figures.representation import draw_representation
from workflow.lib.planning.config import merged
from workflow.lib.planning.grid import FINETUNING_FIGURES

FIGURES = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "A1", "A2", "pca"]
REDUCED = "a reduced grid: 4 training runs, not the paper's 1,500"


def draw(figure, canvas, look, cutouts):
    """Draw a figure as its script does; `look` is the configuration's `figures`."""
    match figure:
        case "figure_1" | "figure_A1" | "figure_A2":
            draw_representation(canvas, cutouts, crop=look["representation"]["crop"])
        case "figure_2":
            draw_neighbours(canvas, cutouts, crop=look["neighbours"]["crop"])
        case "figure_3" | "figure_5":
            draw_scores(canvas)
        case "figure_4":
            draw_interest(canvas)
        case "figure_6":
            block = {key: look["anomalies"]["figure_6"][key] for key in ("columns", "rows", "crop")}
            draw_finds(canvas, cutouts, **block)
        case "figure_pca":
            draw_variance(canvas)
        case _:
            draw_finetuning(canvas)


def look_of(project):
    """What the toy's configuration says of figures."""
    files = ROOT / "config/config.yaml", project.folder / "config/toy.yaml"
    return merged(*(yaml.safe_load(path.read_text()) for path in files))["figures"]


def alone(source, folder, look, notes=()):
    """A canvas in a folder that has nothing but a figure's source data."""
    size = {key: look[key] for key in ("width", "dpi")}
    pdf, png = (folder / f"again.{ending}" for ending in ("pdf", "png"))
    csv = shutil.copy(source, folder)
    return Canvas(survey_notes=["simulated galaxies", *notes], pdf=pdf, png=png, csv=csv, **size)


def assert_same_pixels(*paths):
    first, second = (np.asarray(Image.open(path)) for path in paths)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("number", FIGURES)
def test_a_figure_is_drawn_again_from_its_source_data_alone(finished, tmp_path, number):
    """Only the pictures of galaxies are read from elsewhere: a table cannot hold them."""
    results, figure = finished.folder / "results/toy", f"figure_{number}"
    source = results / f"8_figures/{figure}.csv"
    look = look_of(finished)
    canvas = alone(source, tmp_path, look, [REDUCED] if figure in FINETUNING_FIGURES else [])
    cutouts = sorted((results / "2_cutouts/decals").glob("*.parquet"))
    draw(figure, canvas, look, cutouts)
    assert_same_pixels(canvas.png, source.with_suffix(".png"))
