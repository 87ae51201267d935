"""Searches for anomalies, of which figures and Table 1 are made."""

import json

import numpy as np
import pandas as pd
import pytest

from workflow.lib.anomaly.scores import score_repeats
from workflow.lib.common.images import to_jpeg
from workflow.lib.common.tables import write_parquet

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
            folder / f"{task}-scores.csv", folder / f"{task}-repeats.csv",
            known={"baseline": 0, "cnn-gp": 10}, tops=[3, 6, 200], longest=40, sigmas=3,
        )  # fmt: skip
    plane = pd.DataFrame({"iauname": NAMES, "umap_x": draw.random(60), "umap_y": draw.random(60)})
    write_parquet(plane, folder / "plane.parquet")
    jpegs = [to_jpeg(np.full((40, 40, 3), 4 * number, np.uint8), 90) for number in range(60)]
    write_parquet(pd.DataFrame({"iauname": NAMES, "thumbnail": jpegs}), folder / "cutouts.parquet")
    return folder
