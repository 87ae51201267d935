"""The comparison of encoders: every score in one table, and a mark for each in the figure."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workflow.lib.common.errors import UserError
from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.comparison import (
    COLUMNS,
    _panels,
    draw_comparison,
    gather_scores,
    marks,
)

ENCODERS = ["random", "all", "ellipse"]
QUALITY = dict(zip(ENCODERS, [0.55, 0.9, 0.7], strict=True))
SIZES = [20, 100]


@pytest.fixture
def scores(tmp_path):
    """Write the files that rules make for two surveys; give the arguments of `gather_scores`."""

    def write(name, rows):
        pd.DataFrame(rows).to_csv(tmp_path / name, index=False)
        return tmp_path / name

    probes = [
        {
            "pretraining": name, "label": label, "galaxies": 100, "positives": 30,
            "auc": value, "auc_error": 0.02,
        }
        for label in ["ring", "odd"]
        for name, value in QUALITY.items()
    ]  # fmt: skip
    retrieval = [
        {
            "kind": kind, "label": label, "representation": name, "metric": "manhattan",
            "first": 10, "queries": 50, "precision": value - shift, "error": 0.03,
            "base_rate": 0.2,
        }
        for kind, label, shift in [("tag", "ring", 0), ("tag", "dust", 0.1), ("answer", 2, 0.2)]
        for name, value in QUALITY.items()
    ]  # fmt: skip
    searches = [
        {
            "method": name, "metric": metric, "mean": value, "error": 0.05, "chance": 0.3,
            "repeats": 5, "galaxies": 900, "anomalies": 20,
        }
        for name, value in QUALITY.items()
        for metric in ["average_precision", "accuracy_50", "rank_weighted_score_50"]
    ]  # fmt: skip
    models = [
        {"pretraining": name, "size": size, "accuracy": value + 0.1 * repeat}
        for name, value in QUALITY.items()
        for size in SIZES
        for repeat in (0, 1)
    ]
    return {
        "probes": {"decals": write("probes.csv", probes)},
        "retrieval": {"decals": write("retrieval.csv", retrieval)},
        "scores": {("gz2-odd", "gz2"): write("scores.csv", searches)},
        "models": {("ring", "decals"): write("models.csv", models)},
    }


def gather(folder, scores):
    descriptions = {}
    for name in ENCODERS:
        descriptions[name] = folder / f"{name}.json"
        label = "random weights" if name == "random" else ""
        descriptions[name].write_text(json.dumps({"label": label}))
    return gather_scores(descriptions, **scores)


def draw(folder, scores):
    files = [folder / f"compare.{ending}" for ending in ("pdf", "png", "csv")]
    canvas = Canvas(6.97, 100, ["simulated galaxies"], *files)
    canvas.write_source(gather(folder, scores))
    draw_comparison(canvas, ENCODERS)
    return canvas.source, files


def test_every_score_is_in_the_table_in_the_order_of_the_encoders(scores, tmp_path):
    table = gather(tmp_path, scores)
    assert list(table) == COLUMNS
    assert len(table) == 3 * (2 + (2 + 3) + 2 + 2)
    assert table["encoder"].tolist() == ENCODERS * (len(table) // 3)
    assert table[["value", "error", "chance"]].notna().all(axis=None)
    assert not table.duplicated(["task", "survey", "label", "measure", "labelled", "encoder"]).any()
    best = table.groupby(["task", "survey", "label", "measure", "labelled"], dropna=False)["value"]
    assert (table.loc[best.idxmax(), "encoder"] == "all").all()


def test_means_over_labels_and_repeats_have_their_errors(scores, tmp_path):
    table = gather(tmp_path, scores).set_index(["label", "encoder"])
    tags = table.loc[("all tags", "all")]
    assert tags["value"] == pytest.approx((0.9 + 0.8) / 2)
    assert tags["error"] == pytest.approx(0.03 * 2**0.5 / 2)
    assert tags["galaxies"] == 100
    assert table.loc[("answer 2", "all"), "value"] == pytest.approx(0.7)
    heads = table[table["task"] == "finetuning"].loc[("ring", "ellipse")]
    assert heads["labelled"].tolist() == SIZES
    assert heads["value"].tolist() == pytest.approx([0.75, 0.75])
    assert heads["error"].tolist() == pytest.approx([0.05, 0.05])


def test_each_task_has_a_panel_and_tags_are_drawn_as_their_mean(scores, tmp_path):
    table, (pdf, png, csv) = draw(tmp_path, scores)
    panels = {panel.title.partition(":")[0]: panel for panel in _panels(table)}
    assert list(panels) == ["Labels", "Similar galaxies", "Rare galaxies", "New label"]
    assert list(panels["Similar galaxies"].groups) == ["all tags (decals)", "all answers (decals)"]
    assert list(panels["Rare galaxies"].groups) == [
        "odd (gz2)\naverage precision",
        "odd (gz2)\nfirst 50",
    ]
    assert pdf.read_bytes().startswith(b"%PDF")
    assert b"Type3" not in pdf.read_bytes()  # letters are letters, not drawings
    assert ",20," in csv.read_text()
    with Image.open(png) as picture:
        assert np.asarray(picture).std() > 10


@pytest.mark.parametrize("left_out", ["probes", "retrieval", "scores", "models"])
def test_tasks_without_scores_are_left_out(scores, tmp_path, left_out):
    table, _ = draw(tmp_path, scores | {left_out: {}})
    assert len(list(_panels(table))) == 3


def test_a_survey_without_common_tags_is_left_out(scores, tmp_path):
    """As `measure_retrieval` leaves out those that too few galaxies have."""
    (path,) = scores["retrieval"].values()
    pd.read_csv(path).head(0).to_csv(path, index=False)
    table, _ = draw(tmp_path, scores)
    assert "similarity" not in set(table["task"])


def test_nothing_to_compare_is_one_clear_line(tmp_path, scores):
    empty = {part: {} for part in scores}
    with pytest.raises(UserError, match="no scores to draw"):
        draw(tmp_path, empty)


def test_sixty_four_encoders_can_be_told_apart():
    drawn = marks([f"encoder-{number}" for number in range(64)])
    assert len(set(drawn.values())) == 64
    first = list(drawn.values())[:8]
    assert len({mark.color for mark in first}) == len({mark.marker for mark in first}) == 8
