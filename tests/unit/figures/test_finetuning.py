"""Figures 7 to 9: the lines of each, and their points."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workflow.lib.common.errors import UserError
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.finetuning import draw_finetuning, gather_points, lines_of, summarise

RUNS = [
    ("scratch", "all", ["scratch"]),
    ("all", "all", ["frozen", "finetuned"]),
    ("all", "top", ["frozen", "finetuned"]),
    ("bar", "all", ["frozen", "finetuned"]),
    ("imagenet", "all", ["frozen", "finetuned"]),
]
"""Pretraining, depth, and stages of the runs."""


@pytest.fixture
def models():
    """Two models of each kind and size, with accuracies 0.2 apart."""
    rows = [
        {
            "task": "ring",
            "pretraining": pretraining,
            "depth": depth,
            "size": size,
            "repeat": repeat,
            "stage": stage,
            "labelled": size // 2 + repeat,
            "accuracy": 0.6 + 0.2 * repeat,
            "loss": 0.5,
            "label": "stand-in for ImageNet" if pretraining == "imagenet" else "",
        }
        for pretraining, depth, stages in RUNS
        for stage in stages
        for size in (10, 100)
        for repeat in (0, 1)
    ]
    return pd.DataFrame(rows)


def draw(models, figure, folder):
    models.to_csv(folder / "models.csv", index=False)
    files = [folder / f"{figure}.{ending}" for ending in ("pdf", "png", "csv")]
    canvas = Canvas(6.97, 60, ["simulated galaxies"], *files)
    canvas.write_source(gather_points(folder / "models.csv", figure))
    draw_finetuning(canvas)
    assert files[0].read_bytes().startswith(b"%PDF")
    with Image.open(files[1]) as picture:
        assert np.asarray(picture).std() > 10
    return pd.read_csv(files[2])


def test_figure_7_compares_pretrainings_frozen_and_finetuned(models):
    assert [line.label for line in lines_of("figure_7", models)] == [
        "All tasks ('Multi'), Frozen",
        "All tasks ('Multi'), Finetuned",
        "ImageNet, Frozen",
        "ImageNet, Finetuned",
        "From scratch",
    ]


def test_figure_8_compares_single_questions_with_all(models):
    labels = [line.label for line in lines_of("figure_8", models)]
    assert labels == ["All tasks ('Multi')", "Bar Strong/Weak/None", "From scratch"]


def test_in_figure_7_frozen_encoders_are_solid_and_fine_tuned_ones_dashed(
    models, tmp_path, monkeypatch
):
    drawn, save = [], Canvas.save
    monkeypatch.setattr(Canvas, "save", lambda *given: (drawn.append(given[1]), save(*given)))
    draw(models, "figure_7", tmp_path)
    for axes in drawn[0].axes:  # accuracy, loss
        assert {bars.get_label(): bars.lines[0].get_linestyle() for bars in axes.containers} == {
            "All tasks ('Multi'), Frozen": "-",
            "All tasks ('Multi'), Finetuned": "--",
            "ImageNet, Frozen": "-",
            "ImageNet, Finetuned": "--",
            "From scratch": "-",
        }


@pytest.mark.parametrize("figure", ["figure_7", "figure_8", "figure_9"])
def test_lines_can_be_told_apart_without_colours_and_no_bar_hides_another(
    models, tmp_path, monkeypatch, figure
):
    drawn, save = [], Canvas.save
    monkeypatch.setattr(Canvas, "save", lambda *given: (drawn.append(given[1]), save(*given)))
    draw(models, figure, tmp_path)
    for axes in drawn[0].axes:
        lines = [bars.lines[0] for bars in axes.containers]
        looks = [(line.get_marker(), str(line._dash_pattern)) for line in lines]
        assert len(set(looks)) == len(lines)
        places = np.concatenate([line.get_xdata() for line in lines])
        assert len(np.unique(places)) == len(places)


def test_figure_9_compares_depths_in_a_panel_for_each_pretraining(models):
    lines = lines_of("figure_9", models)
    assert list(dict.fromkeys(line.panel for line in lines)) == ["ImageNet", "All tasks ('Multi')"]
    assert [line.label for line in lines[:5]] == ["Frozen", "Top", "Blocks 6+", "Blocks 4+", "All"]


def test_a_pretraining_of_another_name_is_shown_by_its_name(models):
    models["pretraining"] = models["pretraining"].replace("bar", "our-telescope")
    labels = [line.label for line in lines_of("figure_7", models)]
    assert "our-telescope, Finetuned" in labels


def test_points_are_means_and_spreads_over_the_models(models):
    points = summarise(lines_of("figure_7", models), models).set_index(["line", "size"])
    frozen = points.loc[("All tasks ('Multi'), Frozen", 10)]
    assert (frozen["models"], frozen["depth"]) == (4, "any")
    finetuned = points.loc[("All tasks ('Multi'), Finetuned", 100)]
    assert (finetuned["models"], finetuned["depth"]) == (2, "all")
    assert finetuned["labelled"] == pytest.approx(50.5)
    assert finetuned["accuracy"] == pytest.approx(0.7)
    assert finetuned["spread"] == pytest.approx(0.1)


@pytest.mark.parametrize("figure", ["figure_7", "figure_8", "figure_9"])
def test_the_source_data_equals_the_data_shown(models, tmp_path, figure):
    table = draw(models, figure, tmp_path)
    expected = summarise(lines_of(figure, models), models)
    assert table["line"].tolist() == expected["line"].tolist()
    assert np.allclose(table["accuracy"], expected["accuracy"])
    once = (tmp_path / f"{figure}.png").read_bytes()
    draw(models, figure, tmp_path)
    assert (tmp_path / f"{figure}.png").read_bytes() == once


def test_models_that_a_figure_does_not_show_are_an_error_in_one_line(models, tmp_path):
    scratch = models[models["pretraining"] == "scratch"]
    with pytest.raises(UserError, match=r"models\.csv: no models for figure_9; add a depth"):
        draw(scratch, "figure_9", tmp_path)
