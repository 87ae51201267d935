"""Table 1: its values, and how they are written in LaTeX and HTML."""

import numpy as np
import pandas as pd

from tests.unit.figures.conftest import TASKS
from workflow.lib.anomaly.scores import chance_precision
from workflow.lib.figures.table_1 import tabulate_scores


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
