"""Figures 3 to 6 and Table 1: what they show is what was found."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workflow.lib.anomaly.scores import chance_precision, score_repeats
from workflow.lib.common.images import to_jpeg
from workflow.lib.common.tables import write_parquet
from workflow.lib.figures.anomalies import draw_finds, draw_interest, draw_scores
from workflow.lib.figures.table_1 import tabulate_scores

NAMES = [f"g{number:02d}" for number in range(60)]
TASKS = ["sky-ring", "sky-merger"]
METHODS = ["baseline", "cnn-gp"]


@pytest.fixture(scope="module")
def hunted(tmp_path_factory):
    """Two tasks of 60 galaxies, 6 of them anomalies; cnn-gp finds them all, the baseline none."""
    folder = tmp_path_factory.mktemp("hunted")
    (folder / "encoder.json").write_text(json.dumps({"label": "a tired network"}))
    draw = np.random.default_rng(1)
    for task in TASKS:
        anomaly = np.arange(60) % 10 == 3
        candidates = pd.DataFrame({"iauname": NAMES, "label": 0.9 * anomaly, "anomaly": anomaly})
        write_parquet(candidates, folder / f"{task}.parquet")
        (folder / f"{task}.json").write_text(json.dumps({"galaxies": 60, "anomalies": 6}))
        results = {method: [] for method in METHODS}
        for method in METHODS:
            for repeat in range(3):
                interest = (draw.random(60) + 5 * anomaly) * (1 if method == "cnn-gp" else -1)
                rank = np.argsort(np.argsort(-interest)) + 1
                rated = pd.array(np.where(rank <= 10, rank, 0), "Int64")
                rated[rank > 10] = pd.NA
                found = pd.DataFrame(
                    {"iauname": NAMES, "interest": interest, "rank": rank, "rated": rated}
                )
                if method == "baseline":
                    found["rarity"] = draw.random(60)
                path = folder / f"{task}-{method}-{repeat}.parquet"
                write_parquet(found, path)
                results[method].append(path)
        score_repeats(
            folder / f"{task}.parquet", results, folder / f"{task}-curves.csv",
            folder / f"{task}-scores.csv", tops=[3, 6, 200], longest=40, sigmas=3,
        )  # fmt: skip
    plane = pd.DataFrame({"iauname": NAMES, "umap_x": draw.random(60), "umap_y": draw.random(60)})
    write_parquet(plane, folder / "plane.parquet")
    jpegs = [to_jpeg(np.full((40, 40, 3), 4 * number, np.uint8), 90) for number in range(60)]
    write_parquet(pd.DataFrame({"iauname": NAMES, "thumbnail": jpegs}), folder / "cutouts.parquet")
    return folder


def options(out, **more):
    """Where a figure is written, and how."""
    files = {ending: out.with_suffix(f".{ending}") for ending in ("pdf", "png", "csv")}
    return {"width": 6.97, "dpi": 60, "survey_note": "simulated galaxies", **files, **more}


def checked(out):
    """Give a figure's source data, after a look at the figure."""
    assert out.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    with Image.open(out.with_suffix(".png")) as picture:
        assert np.asarray(picture).std() > 10
    return pd.read_csv(out.with_suffix(".csv"))


def scores(hunted, out):
    draw_scores(
        {task: hunted / f"{task}-curves.csv" for task in TASKS},
        {task: hunted / f"{task}.json" for task in TASKS},
        hunted / "encoder.json",
        **options(out),
    )
    return checked(out)


def test_scores_are_drawn_of_each_task_method_and_repeat(hunted, tmp_path):
    table = scores(hunted, tmp_path / "figure_5")
    assert len(table) == 2 * 2 * 3 * 40
    assert (table["chance"] == 0.1).all()
    best = table[table["method"] == "cnn-gp"]
    assert (best.loc[best["first"] <= 6, ["rank_weighted_score", "accuracy"]] == 1).all(axis=None)
    assert (table.loc[table["method"] == "baseline", "accuracy"] == 0).all()


def test_the_same_scores_give_the_same_bytes(hunted, tmp_path):
    for name in "ab":
        scores(hunted, tmp_path / name)
    for ending in ("pdf", "png", "csv"):
        one, other = ((tmp_path / name).with_suffix(f".{ending}") for name in "ab")
        assert one.read_bytes() == other.read_bytes()


def test_interest_is_drawn_by_what_each_method_chose_by(hunted, tmp_path):
    draw_interest(
        dict.fromkeys(METHODS, hunted / "plane.parquet"),
        {method: hunted / f"sky-ring-{method}-0.parquet" for method in METHODS},
        hunted / "sky-ring.parquet",
        hunted / "encoder.json",
        **options(tmp_path / "figure_4"),
    )
    table = checked(tmp_path / "figure_4").set_index("method")
    for method, column in (("baseline", "rarity"), ("cnn-gp", "interest")):
        found = pd.read_parquet(hunted / f"sky-ring-{method}-0.parquet")
        rows = table.loc[method].set_index("iauname").loc[NAMES]
        assert np.allclose(rows["value"], found[column], atol=1e-4)
        assert rows["rated"].sum() == 10
        assert rows["anomaly"].sum() == 6


def test_finds_are_a_choice_of_the_highest_ranks_that_the_seed_draws(hunted, tmp_path):
    def draw(name, seed):
        draw_finds(
            {task: hunted / f"{task}-cnn-gp-0.parquet" for task in TASKS},
            {task: hunted / f"{task}.parquet" for task in TASKS},
            [hunted / "cutouts.parquet"],
            hunted / "encoder.json",
            among=20, columns=5, rows=2, crop=4, seed=seed,
            **options(tmp_path / name),
        )  # fmt: skip
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
    assert draw("again", 1).equals(table)
    assert draw("other", 2)["iauname"].tolist() != table["iauname"].tolist()


def test_the_table_has_the_scores_and_says_which_method_failed(hunted, tmp_path):
    tabulate_scores(
        {task: hunted / f"{task}-scores.csv" for task in TASKS},
        hunted / "encoder.json",
        surveys=["sky", "sky"],
        tops=[3, 6, 200],
        survey_note="simulated galaxies",
        csv=tmp_path / "table_1.csv",
        tex=tmp_path / "table_1.tex",
        html=tmp_path / "table_1.html",
    )
    table = pd.read_csv(tmp_path / "table_1.csv").set_index(["anomaly", "method"])
    assert table.loc[("ring", "cnn-gp"), "average_precision"] == 1
    assert table.loc[("ring", "cnn-gp"), "accuracy_6"] == 1
    assert table["accuracy_200"].isna().all()  # of 60 galaxies
    assert table["failed"].tolist() == [True, False, True, False]
    assert np.allclose(table["chance"], chance_precision(60, 6), atol=1e-4)
    lines = (tmp_path / "table_1.tex").read_text().splitlines()
    assert r"sky & ring & baseline & Failed & Failed & Failed & -- \\" in lines
    best = r"\textbf{1.00} & \textbf{100.0\%} & \textbf{100.0\%} & -- \\"
    assert rf"sky & merger & cnn-gp & {best}" in lines
    assert lines[-2:] == ["% simulated galaxies", "% a tired network"]
    page = (tmp_path / "table_1.html").read_text()
    best = '<td class="number"><b>1.00</b></td><td class="number"><b>100.0%</b></td>'
    assert f"<td>sky</td><td>merger</td><td>cnn-gp</td>{best}" in page
    assert page.count("<tbody>") == 2
    assert "<p>simulated galaxies</p>\n<p>a tired network</p>" in page
