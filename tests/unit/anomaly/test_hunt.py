"""Searches with simulated ratings: what is written for each repeat."""

import numpy as np
import pytest

from tests.unit.anomaly.conftest import hunt, select
from workflow.lib.anomaly.candidates import standardise_features
from workflow.lib.anomaly.hunt import hunt_anomalies
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import read_table, write_parquet
from workflow.lib.represent.umap_plane import place_ellipses


def test_a_search_is_written_with_its_ratings_in_order_and_found_anomalies_first(sky):
    folder, _, _ = sky
    candidates, _ = select(folder)
    for path in hunt(folder):
        found = read_table(path, text=["iauname"])
        assert found.columns.tolist() == ["iauname", "interest", "rank", "rated", "rating"]
        assert found["iauname"].tolist() == candidates["iauname"].tolist()
        assert sorted(found["rank"]) == list(range(1, 401))
        rated = found[found["rated"].notna()]
        assert sorted(rated["rated"]) == list(range(1, 31))
        anomaly = candidates["anomaly"][rated.index]
        assert (rated["rating"] == np.where(anomaly, 4, 0)).all()  # 0.9 * 5, to the even number
        assert set(rated[anomaly]["rank"]) == set(range(1, anomaly.sum() + 1))
        others = found[found["rated"].isna()].sort_values("rank")
        assert (np.diff(others["interest"]) <= 0).all()


def test_the_baseline_is_ranked_by_its_score_alone(sky):
    folder, _, _ = sky
    select(folder)
    (path,) = hunt(folder, "isolation-forest", repeats=[3], known_first=False)
    found = read_table(path).sort_values("rank")
    assert (np.diff(found["interest"]) <= 0).all()
    assert found["rarity"].between(0, 5).all()


def test_a_repeat_depends_on_its_number_and_not_on_its_job(sky):
    folder, _, _ = sky
    select(folder)
    together = [path.read_bytes() for path in hunt(folder, repeats=[0, 1, 2])]
    assert hunt(folder, repeats=[1])[0].read_bytes() == together[1]
    assert len(set(together)) == 3


def test_fewer_galaxies_than_ratings_are_an_error(sky):
    folder, _, _ = sky
    select(folder)
    with pytest.raises(UserError, match=r"candidates\.parquet: 400 galaxies are fewer than"):
        hunt(folder, ratings=401)


def test_vectors_of_other_galaxies_are_refused(sky):
    folder, catalogue, _ = sky
    task = folder / "6_anomaly"
    select(folder)
    standardise_features(folder / "cnn.parquet", folder / "candidates.parquet", task / "cnn.npy")
    write_parquet(catalogue.iloc[::-1], folder / "catalogue.parquet")  # as many, in another order
    select(folder)
    with pytest.raises(UserError, match=r"cnn\.npy: made from other galaxies"):
        hunt_anomalies(
            folder / "candidates.parquet", task / "cnn.npy", [0], [folder / "0.parquet"],
            search_by="gaussian-process", settings={}, known_first=True, ratings=30, seed=1,
            threads=1,
        )  # fmt: skip
    with pytest.raises(UserError, match=r"cnn\.npy: made from other galaxies"):
        place_ellipses(
            task / "cnn.npy", folder / "candidates.parquet", folder / "umap.parquet",
            n_neighbors=5, min_dist=0.1, seed=1,
        )  # fmt: skip
