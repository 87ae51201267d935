"""Tables of the form of the paper's, and the jobs that read them."""

import shutil

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from tests.project import ROOT
from workflow.lib.planning.config import merged, read_config
from workflow.lib.planning.plan import Job
from workflow.lib.pretrain.votes import answer_columns
from workflow.lib.sources.nsa import NSA_COLUMNS

PAPER = read_config([])
RING = "rare-features_ring_fraction"
GALAXIES = [f"J{number:06d}" for number in range(30)]
FILES = {
    "nsa": "nsa_v1_0_1.fits",
    "automated": "gz_decals_auto_posteriors.parquet",
    "volunteers": "gz_decals_volunteers_5.parquet",
    "rare_features": "example_ring_catalog_advanced.parquet",
    "gz2": "training_solutions_rev1.csv",
    "tags": "tags.csv",
}
"""The names that config.yaml gives to the real tables."""


def job(rule, gpus=0, **wildcards):
    return Job(rule, "", wildcards, 1, gpus)


JOBS = [
    job("select_galaxies", survey="decals"),
    job("select_galaxies", survey="gz2"),
    job("fetch_cutouts", survey="decals", shard="000-of-200"),
    job("fetch_cutouts", survey="gz2", shard="00-of-60"),
    job("pretrain_encoder", pretraining="all"),
    job("project_representation", survey="decals", pretraining="all", sample="spiral"),
    job("gather_tags", survey="decals"),
    job("derive_tags", survey="gz2"),
    *(job("select_candidates", task=task) for task in ("gz2-odd", "decals-merger", "decals-ring")),
    job("label_galaxies", label="ring"),
    job("probe_representations", survey="decals"),
]


def numbered(names):
    return pd.DataFrame(0.5, index=range(len(GALAXIES)), columns=list(names))


def real_tables():
    """Give the columns of the real tables that matter, with some that do not."""
    answers = answer_columns(PAPER["pretraining"]["questions"])
    questions = PAPER["pretraining"]["questions"]
    fractions = [f"{answer}_fraction" for answer in answers]
    totals = [f"{question}_total-votes" for question in questions]
    by_name = pd.DataFrame({"iauname": GALAXIES})
    atlas = numbered(NSA_COLUMNS).assign(IAUNAME=GALAXIES, Z=0.05)
    classes = [f"Class{question}.{answer}" for question in range(1, 12) for answer in range(1, 8)]
    return {
        "nsa": atlas,
        "automated": by_name.join(numbered(fractions)).assign(wrong_size_warning=False),
        "volunteers": by_name.join(numbered([*answers, *totals, *fractions])),
        "rare_features": by_name.join(numbered([RING])).assign(png_loc="J000/a.png"),
        "gz2": numbered(classes).assign(GalaxyID=range(100_000, 100_030)),
        "tags": by_name.assign(tag="#ring"),
    }


def write(frames, folder):
    folder.mkdir(exist_ok=True)
    for key, frame in frames.items():
        path = folder / FILES[key]
        if path.suffix == ".csv":
            frame.to_csv(path, index=False)
        elif path.suffix == ".parquet":
            frame.to_parquet(path)
        else:
            columns = {name: frame[name].to_numpy() for name in frame}
            columns = {
                name: values.astype(str) if values.dtype == object else values
                for name, values in columns.items()
            }
            if "SERSIC_NMGY" not in columns:
                columns["SERSIC_NMGY"] = np.ones((len(frame), 7), np.float32)
            Table(columns).write(path, overwrite=True)


@pytest.fixture
def paper(tmp_path, monkeypatch):
    """The paper's configuration and its tables of tasks, in an empty folder, with an address."""
    (tmp_path / "config").mkdir()
    for table in (ROOT / "config").glob("*.tsv"):
        shutil.copy(table, tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return merged(PAPER, {"legacysurvey": {"contact": "me@example.org"}})
