"""Rows, images and labels of a user's own table are counted before the first job."""

import re

import numpy as np
import pandas as pd
import pytest

from tests.project import ROOT
from tests.unit.preflight.conftest import job
from workflow.lib.planning.config import merged, read_config
from workflow.lib.preflight.counts import count_problems, label_problems

OWN = read_config([ROOT / "config/own.yaml", ROOT / "config/label.yaml"])
TABLE, IMAGES = "labels.csv", "images"
JOBS = [
    job("label_galaxies", label="own"),
    job("finetune_encoder", label="own", pretraining="all", depth="top"),
]


@pytest.fixture(autouse=True)
def images(tmp_path, monkeypatch):
    """Work in a folder with 200 images."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / IMAGES).mkdir()
    for number in range(200):
        (tmp_path / IMAGES / f"g{number}.jpg").touch()


def lines_of(numbers=range(200), finetune=None, **columns):
    """Count for a table of these galaxies, of which every third is a ring."""
    numbers = np.array(numbers)
    table = {"asset_id": [f"g{number}" for number in numbers], "ring": (numbers % 3 == 0) * 1.0}
    pd.DataFrame(table | columns).to_csv(TABLE, index=False)
    config = merged(OWN, {"finetune": {"sizes": [20, 60]} | (finetune or {})})
    return list(count_problems("own", config, TABLE, [IMAGES], JOBS))


def test_nothing_is_said_if_all_fits():
    assert lines_of() == []


def test_rows_without_an_image_and_images_without_a_row_are_counted():
    assert lines_of(range(10, 220)) == [
        "note: survey 'own': 20 of 210 rows have no image, such as g200",
        "note: survey 'own': 10 of 200 images belong to no row that passes the cuts, such as g0",
    ]


def test_a_column_of_other_names_is_a_problem():
    (line, *_) = lines_of(asset_id=range(200))
    said = "labels.csv: none of the 200 images of survey 'own' is named like a row (a row: 0; an"
    assert line.startswith(f"{said} image: g0); set 'surveys.own.catalogue.id_column' to")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"sizes": [20, 67]},
            r"at most 66 can be trained on \(33 .*, not 67; lower 'fin",
        ),
        ({"labels": {"own": {"above": 1}}}, "0 galaxies with the label and 133 without are too"),
        ({"labels": {"own": {"cuts": {"ring": {"above": 1}}}}}, "no galaxy passes the cuts"),
        ({"labels": {"own": {"table": "other.csv"}}}, "other.csv: iauname g0 occurs more than"),
    ],
)
def test_too_few_labels_are_a_problem(changed, message):
    pd.DataFrame({"iauname": ["g0", "g0"], "ring": 1}).to_csv("other.csv", index=False)
    (line,) = lines_of(finetune=changed)
    assert re.search(message, line)
    assert not line.startswith("note: ")


def test_galaxies_without_an_image_teach_nothing():
    *_, line = lines_of([*range(170), *range(300, 330)])
    assert "at most 56 can be trained on" in line


def test_a_label_of_a_single_run_may_have_few_galaxies():
    config = merged(OWN, {"finetune": {"sizes": [20, 5000]}})
    lines_of()
    one = job("keep_classifier", label="own", pretraining="all", depth="top", size="20", repeat="0")
    assert list(count_problems("own", config, TABLE, [IMAGES], [JOBS[0], one])) == []


@pytest.mark.parametrize(("size", "said"), [(66, []), (67, ["at most 66 can be trained on"])])
def test_labels_are_counted_if_the_catalogue_is_made_already(size, said):
    numbers = np.arange(200)
    galaxies = {"iauname": [f"g{number}" for number in numbers], "ring": (numbers % 3 == 0) * 1.0}
    pd.DataFrame(galaxies).to_parquet("own.parquet")
    config = merged(OWN, {"finetune": {"sizes": [size]}})
    lines = list(label_problems("own", config, "own.parquet", JOBS))
    assert len(lines) == len(said)
    assert all(part in line for part, line in zip(said, lines, strict=True))
