"""Table 1: its values, and how they are written in LaTeX and HTML."""

import numpy as np
import pandas as pd
import pytest

from tests.unit.figures.conftest import TASKS
from workflow.lib.anomaly.chance import chance_by_rank, chance_precision
from workflow.lib.figures.table_1 import has_failed, tabulate_scores


def test_the_table_has_the_scores_and_says_which_method_failed(hunted, tmp_path):
    tabulate_scores(
        {task: hunted / f"{task}-scores.csv" for task in TASKS},
        hunted / "encoder.json",
        surveys=["sky", "sky"],
        tops=[3, 6, 200],
        survey_notes=["simulated galaxies"],
        csv=tmp_path / "table_1.csv",
        tex=tmp_path / "table_1.tex",
        html=tmp_path / "table_1.html",
    )
    table = pd.read_csv(tmp_path / "table_1.csv").set_index(["anomaly", "method"])
    assert table.loc[("ring", "cnn-gp"), "average_precision"] == 1
    assert table.loc[("ring", "cnn-gp"), "accuracy_6"] == 1
    assert table["accuracy_200"].isna().all()  # of 60 galaxies
    assert table["failed"].tolist() == [True, False, True, False]
    precision = [chance_precision(60, 6), chance_precision(60, 6, 10)] * 2
    assert np.allclose(table["average_precision_chance"], precision, atol=1e-4)
    lines = (tmp_path / "table_1.tex").read_text().splitlines()
    assert r"sky & ring & Baseline & Failed & Failed & Failed & -- \\" in lines
    best = r"\textbf{1.00} & \textbf{100.0\%} & \textbf{100.0\%} & -- \\"
    assert rf"sky & merger & CNN + GP & {best}" in lines
    assert lines[-2:] == ["% simulated galaxies", "% a tired network"]
    page = (tmp_path / "table_1.html").read_text()
    best = '<td class="number"><b>1.00</b></td><td class="number"><b>100.0%</b></td>'
    assert f"<td>sky</td><td>merger</td><td>CNN + GP</td>{best}" in page
    assert page.count("<tbody>") == 2
    assert "<p>simulated galaxies</p>\n<p>a tired network</p>" in page


def test_the_table_of_samples_says_how_many_galaxies_each_has(hunted, tmp_path):
    tabulate_scores(
        {task: hunted / f"{task}-scores.csv" for task in TASKS},
        hunted / "encoder.json",
        surveys=["sky", "sky"],
        tops=[3],
        survey_notes=[],
        title="Table 1 for each sample",
        with_counts=True,
        csv=tmp_path / "samples.csv",
        tex=tmp_path / "samples.tex",
        html=tmp_path / "samples.html",
    )
    lines = (tmp_path / "samples.tex").read_text().splitlines()
    assert r"sky & ring & Baseline & 6 of 60 & Failed & Failed \\" in lines
    assert "<title>Table 1 for each sample" in (tmp_path / "samples.html").read_text()


BASELINE, NETWORK = 0, 200
"""Galaxies that each method of the paper ranks by their rating."""


@pytest.mark.parametrize(
    ("anomaly", "known", "accuracies", "failed"),
    [
        ("odd", BASELINE, [(66, 16), (40, 7)], False),
        ("odd", NETWORK, [(99, 5), (63, 22)], False),
        ("odd", NETWORK, [(100, 0), (87, 11)], False),
        ("merger", BASELINE, [(25.5, 18.6), (24.9, 7.7)], False),
        ("merger", NETWORK, [(100, 0), (88, 15.4)], False),
        ("ring", BASELINE, [(0.9, 3.7), (3.0, 2.9)], True),
        ("ring", NETWORK, [(99.9, 1.5), (95.8, 13)], False),
        ("irregular", BASELINE, [(2.4, 5.5), (3.6, 3.1)], True),
        ("irregular", NETWORK, [(100, 0), (91, 5.4)], False),
    ],
)
def test_those_methods_have_failed_that_failed_in_the_paper(anomaly, known, accuracies, failed):
    """With the accuracies of the paper's Table 1, and of the authors' code where it has none."""
    galaxies, anomalies = {
        "odd": (59_727, 835),
        "merger": (56_828, 814),
        "ring": (58_982, 904),
        "irregular": (58_982, 902),
    }[anomaly]
    chance = chance_by_rank(galaxies, anomalies, known, 200)
    rows = [
        {"mean": mean / 100, "error": error / 100, "chance": chance[:top].mean()}
        for top, (mean, error) in zip((50, 200), accuracies, strict=True)
    ]
    assert has_failed(pd.DataFrame(rows)) is failed


def test_a_method_has_failed_only_if_no_accuracy_exceeds_chance_by_more_than_its_error():
    rows = pd.DataFrame({"mean": [0.3, 0.2], "error": [0.2, 0.1], "chance": [0.1, 0.1]})
    assert has_failed(rows)
    assert not has_failed(rows.assign(error=[0.2, 0.09]))
    assert not has_failed(rows.assign(error=np.nan))  # a single repeat
    assert has_failed(rows.assign(error=np.nan, mean=0.1))
    assert not has_failed(rows.iloc[:0])  # fewer galaxies than each N
