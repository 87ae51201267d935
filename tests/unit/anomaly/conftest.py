"""A small survey with rings that stand out, its candidates, and searches among them."""

import json

import numpy as np
import pandas as pd
import pytest

from workflow.lib.anomaly.candidates import select_candidates, standardise_features
from workflow.lib.anomaly.hunt import hunt_anomalies
from workflow.lib.common.tables import read_table, write_parquet
from workflow.lib.planning.config import read_config
from workflow.lib.represent.vector_files import representation_schema, representation_table

SEARCHES = read_config([])["anomalies"]["searches"]
TASK = {
    "label": "ring",
    "above": 0.5,
    "share": None,
    "votes": "total-votes",
    "min_votes": 30,
    "filters": {"featured": 0.6},
}


def write_vectors(path, names, vectors):
    vectors = vectors.astype(np.float32)
    table = representation_table(names, vectors, representation_schema(vectors.shape[1]))
    write_parquet(table, path)


@pytest.fixture
def sky(tmp_path):
    """A catalogue of 400 galaxies, of which 20 that stand out are rings; and their features."""
    draw = np.random.default_rng(1)
    names = [f"g{number:03d}" for number in range(400)]
    vectors = draw.standard_normal((400, 6))
    ring = np.where(np.arange(400) % 20 == 7, 0.9, 0.1)
    vectors[ring > 0.5] += 3
    catalogue = pd.DataFrame(
        {
            "iauname": names,
            "name": "NGC",
            "ring": ring,
            "total-votes": 40.0,
            "featured_fraction": 0.2,
            "featured_automated-fraction": 0.9,
        }
    )
    write_parquet(catalogue, tmp_path / "catalogue.parquet")
    write_vectors(tmp_path / "cnn.parquet", names, vectors)
    return tmp_path, catalogue, vectors


def select(folder, features=(), **changes):
    select_candidates(
        folder / "catalogue.parquet",
        features or [folder / "cnn.parquet"],
        folder / "candidates.parquet",
        folder / "candidates.json",
        **(TASK | changes),
    )
    return (
        read_table(folder / "candidates.parquet", text=["iauname"]),
        json.loads((folder / "candidates.json").read_text()),
    )


def hunt(folder, name="gaussian-process", repeats=(0, 1), ratings=30, known_first=True, **changes):
    standardise_features(folder / "cnn.parquet", folder / "candidates.parquet", folder / "cnn.npy")
    paths = [folder / f"{name}-{repeat}.parquet" for repeat in repeats]
    hunt_anomalies(
        folder / "candidates.parquet",
        folder / "cnn.npy",
        repeats,
        paths,
        search_by=name,
        settings=SEARCHES[name],
        known_first=known_first,
        ratings=ratings,
        seed=1,
        threads=1,
        **changes,
    )
    return paths
