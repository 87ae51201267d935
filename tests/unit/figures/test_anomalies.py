"""Figures 3 to 6: their source data is what searches found."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.unit.figures.conftest import METHODS, NAMES, TASKS
from workflow.lib.anomaly.chance import chance_by_rank
from workflow.lib.anomaly.scores import accuracies, rank_weighted_scores
from workflow.lib.common.errors import UserError
from workflow.lib.figures.anomalies import (
    TASK_WIDTH,
    draw_finds,
    draw_interest,
    draw_scores,
    gather_curves,
    gather_finds,
    gather_interest,
)
from workflow.lib.figures.canvas import BORDER, Canvas


def canvas_at(hunted, out, source):
    """A small canvas with this source data, which saves to files of this name."""
    files = [out.with_suffix(f".{ending}") for ending in ("pdf", "png", "csv")]
    canvas = Canvas(6.97, 60, ["simulated galaxies"], *files)
    canvas.write_source(source, hunted / "encoder.json")
    return canvas


def checked(out):
    """Check that a figure is not empty, and return its source data."""
    assert out.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    with Image.open(out.with_suffix(".png")) as picture:
        assert np.asarray(picture).std() > 10
    return pd.read_csv(out.with_suffix(".csv"))


def curves(hunted):
    return gather_curves(
        {task: hunted / f"{task}-curves.csv" for task in TASKS},
        {task: hunted / f"{task}.json" for task in TASKS},
    )


def scores(hunted, out):
    draw_scores(canvas_at(hunted, out, curves(hunted)))
    return checked(out)


def test_scores_are_drawn_for_each_task_method_and_repeat(hunted, tmp_path):
    table = scores(hunted, tmp_path / "figure_5")
    assert len(table) == 2 * 2 * 3 * 40
    baseline = table[table["method"] == "baseline"]
    assert (baseline[["accuracy_chance", "rank_weighted_score_chance"]] == 0.1).all(axis=None)
    best = table[table["method"] == "cnn-gp"]
    assert (best.loc[best["first"] <= 6, ["rank_weighted_score", "accuracy"]] == 1).all(axis=None)
    assert (baseline["accuracy"] == 0).all()


def test_chance_by_random_ratings_and_the_highest_accuracy_are_drawn(hunted, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Canvas, "save", lambda _, figure, *others: drawn.append(figure))
    draw_scores(canvas_at(hunted, tmp_path / "figure_5", curves(hunted)))
    above, _, below, _ = drawn[0].axes
    first = np.arange(1, 41)
    chance = chance_by_rank(60, 6, 10, 40)
    for panel, metric in ((above, rank_weighted_scores), (below, accuracies)):
        lines = {line.get_label(): line for line in panel.get_lines()}
        assert (np.array(lines["random order"].get_ydata()) == 0.1).all()
        assert np.allclose(lines["random ratings"].get_ydata(), metric(chance), atol=1e-5)
    highest = lines["highest possible"].get_ydata()
    assert np.allclose(highest, np.minimum(1, 6 / first))
    legend = {text.get_text() for text in drawn[0].legends[0].get_texts()}
    chance = {"random order", "random ratings", "highest possible"}
    assert legend == {"Baseline", "CNN + GP", *chance}
    plt.close(drawn[0])


def test_the_same_scores_give_the_same_bytes(hunted, tmp_path):
    for name in "ab":
        scores(hunted, tmp_path / name)
    for ending in ("pdf", "png", "csv"):
        one, other = ((tmp_path / name).with_suffix(f".{ending}") for name in "ab")
        assert one.read_bytes() == other.read_bytes()


def test_figure_4_has_the_values_that_each_method_selects_by(hunted, tmp_path):
    source = gather_interest(
        dict.fromkeys(METHODS, hunted / "plane.parquet"),
        {method: hunted / f"sky-ring-{method}-0.parquet" for method in METHODS},
        hunted / "sky-ring.parquet",
    )
    draw_interest(canvas_at(hunted, tmp_path / "figure_4", source))
    table = checked(tmp_path / "figure_4").set_index("method")
    for method, column in (("baseline", "rarity"), ("cnn-gp", "interest")):
        found = pd.read_parquet(hunted / f"sky-ring-{method}-0.parquet")
        rows = table.loc[method].set_index("iauname").loc[NAMES]
        assert set(rows["chosen_by"]) == {column}
        assert np.allclose(rows["value"], found[column], atol=1e-4)
        assert rows["rated"].sum() == 10
        assert rows["anomaly"].sum() == 6


def test_finds_are_a_selection_of_the_highest_ranks_set_by_the_seed(hunted, tmp_path):
    def draw(name, seed):
        source = gather_finds(
            {task: hunted / f"{task}-cnn-gp-0.parquet" for task in TASKS},
            {task: hunted / f"{task}.parquet" for task in TASKS},
            among=20, columns=5, rows=2, seed=seed,
        )  # fmt: skip
        canvas = canvas_at(hunted, tmp_path / name, source)
        draw_finds(canvas, [hunted / "cutouts.parquet"], columns=5, rows=2, crop=4)
        return checked(tmp_path / name)

    table = draw("figure_6", 1)
    for number, task in enumerate(TASKS):
        rows = table[table["task"] == task]
        assert len(rows) == 10
        assert rows["rank"].between(1, 20).all()
        assert rows["rank"].is_monotonic_increasing
        assert (rows["anomaly"] == (rows["rank"] <= 6)).all()
        # The first task on top, its best galaxies in its upper row.
        assert rows["row"].tolist() == [3 - 2 * number] * 5 + [2 - 2 * number] * 5
    with Image.open(tmp_path / "figure_6.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    side = int(60 * (6.97 - TASK_WIDTH) / 5)
    left = round(60 * TASK_WIDTH)
    for galaxy in table.itertuples():
        top = (3 - galaxy.row) * side
        cell = pixels[top : top + side, left + galaxy.column * side :][:, :side]
        assert (cell == BORDER).all(axis=2).any() == galaxy.anomaly
    assert draw("again", 1).equals(table)
    assert draw("other", 2)["iauname"].tolist() != table["iauname"].tolist()


def test_repeats_of_other_candidates_are_not_drawn(hunted, tmp_path):
    found = pd.read_parquet(hunted / "sky-ring-cnn-gp-0.parquet")
    found.iloc[1:].to_parquet(tmp_path / "other.parquet")
    message = r"other\.parquet: made from other galaxies"
    with pytest.raises(UserError, match=message):
        gather_interest(
            {"cnn-gp": hunted / "plane.parquet"}, {"cnn-gp": tmp_path / "other.parquet"},
            hunted / "sky-ring.parquet",
        )  # fmt: skip
    with pytest.raises(UserError, match=message):
        gather_finds(
            {"ring": tmp_path / "other.parquet"}, {"ring": hunted / "sky-ring.parquet"},
            among=20, columns=5, rows=2, seed=1,
        )  # fmt: skip
