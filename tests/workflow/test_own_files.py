"""Changes to the user's own files are seen: replaced pictures, and an older table."""

import os
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from tests.project import small_project
from workflow.lib.common.images import to_jpeg

SHARD = "results/case/2_cutouts/own/0-of-1.parquet"
CHANGE = {
    "pathvars": {
        "results": "results/case",
        "logs": "logs/case",
        "benchmarks": "results/case/benchmarks",
    },
    "surveys": {
        "own": {
            "shards": 1,
            "catalogue": {"table": "data/case/labels.csv", "id_column": "id"},
            "images": {"path": ["data/case/images", "data/case/more.zip"]},
        }
    },
}


@pytest.fixture
def own(bare):
    """A project with pictures of the user's own, three in a folder and one in a zip, in a shard."""
    add_files(bare)
    assert make(bare) == ["0", "1", "2", "3"]
    return bare


def add_files(project):
    folder = project.folder / "data/case"
    (folder / "images").mkdir(parents=True)
    pictures = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3), np.uint8)
    for number, picture in enumerate(pictures[:3]):
        (folder / f"images/{number}.jpg").write_bytes(to_jpeg(picture, 90))
    with zipfile.ZipFile(folder / "more.zip", "w") as archive, archive.open("J/3.png", "w") as file:
        Image.fromarray(pictures[3]).save(file, "PNG")
    pd.DataFrame({"id": range(4), "mag": 15.0}).to_csv(folder / "labels.csv", index=False)
    project.write_change(yaml.safe_dump(CHANGE))


def options(target=SHARD):
    return f"--configfile config/own.yaml change.yaml -- {target}"


def make(project):
    project.sh(f"snakemake --cores 1 {options()}")
    return pd.read_parquet(project.folder / SHARD)["iauname"].tolist()


def test_a_replaced_picture_and_an_older_table_are_seen(own):
    assert own.jobs(options()) == {}
    folder = own.folder / "data/case"
    (folder / "images/0.jpg").write_bytes((folder / "images/1.jpg").read_bytes())
    assert own.jobs(options()) == {"index_images": 1, "fetch_cutouts": 1}
    make(own)
    assert own.jobs(options()) == {}
    pd.DataFrame({"id": range(3)}).to_csv(folder / "labels.csv", index=False)
    os.utime(folder / "labels.csv", (1, 1))
    assert make(own) == ["0", "1", "2"]


def test_preflight_names_every_file_of_the_users_that_is_missing(bare):
    output = bare.sh("snakemake preflight --cores 1 --configfile config/own.yaml", check=False)
    for path, key in {
        "data/own/labels.csv": "surveys.own.catalogue.table",
        "data/own/images": "surveys.own.images.path",
    }.items():
        assert f"{path}: no such file, named by '{key}'" in output.splitlines()
    assert "error: preflight found 2 problems, listed above" in output
    assert "Traceback" not in output


def test_a_run_stops_before_its_first_job_if_a_column_is_missing(own):
    folder = own.folder / "data/case"
    pd.DataFrame({"name": range(4), "mag": "bright"}).to_csv(folder / "labels.csv", index=False)
    (own.folder / "cut.yaml").write_text("surveys: {own: {cuts: {mag: {below: 17}}}}")
    command = "snakemake --cores 1 --configfile config/own.yaml change.yaml cut.yaml"
    output = own.sh(f"{command} -- {SHARD}", check=False)
    assert "data/case/labels.csv: no column 'id' (needed by survey 'own')" in output
    assert "data/case/labels.csv: column 'mag' is not a number for row 1: 'bright'" in output
    assert "rule select_galaxies" not in output
    assert "Traceback" not in output


@pytest.mark.thorough
def test_a_blank_in_the_projects_path_and_in_that_of_its_python(tmp_path):
    project = small_project(tmp_path / "my project")
    add_files(project)
    project.sh(f".venv/bin/python -m snakemake --cores 1 {options()}")
    assert (project.folder / SHARD).exists()
