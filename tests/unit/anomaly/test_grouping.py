"""Whether anomalies lie together in a plane."""

import numpy as np
import pandas as pd
import pytest

from workflow.lib.anomaly.grouping import measure_grouping
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import write_parquet

NAMES = [f"g{number:03d}" for number in range(200)]
ANOMALY = np.arange(200) % 10 == 3


def plane(path, together, names=NAMES):
    """Positions at random, with the anomalies apart from all others or among them."""
    drawn = np.random.default_rng(1).random((len(names), 2))
    drawn[[ANOMALY[NAMES.index(name)] for name in names]] += 5 * together
    table = pd.DataFrame({"iauname": names, "umap_x": drawn[:, 0], "umap_y": drawn[:, 1]})
    write_parquet(table.iloc[::-1], path)  # in another order than the candidates
    return path


@pytest.fixture
def group(tmp_path):
    """Give a function that measures planes, and returns the table."""
    galaxies = pd.DataFrame({"iauname": NAMES, "anomaly": ANOMALY})
    write_parquet(galaxies, tmp_path / "candidates.parquet")

    def measure(**planes):
        paths = {
            name: plane(tmp_path / f"{name}.parquet", *given) for name, given in planes.items()
        }
        measure_grouping(paths, tmp_path / "candidates.parquet", tmp_path / "g.csv", first=8)
        return pd.read_csv(tmp_path / "g.csv")

    return measure


def test_the_share_is_1_for_anomalies_apart_and_that_of_chance_for_those_among_others(group):
    table = group(apart=(1,), among=(0,))
    assert table["method"].value_counts().to_dict() == {"apart": 20, "among": 20}
    means = table.groupby("method")["share"].mean()
    assert means["apart"] == 1
    assert means["among"] == pytest.approx(0.1, abs=0.06)
    assert table["chance"].to_numpy() == pytest.approx(19 / 199, abs=1e-5)
    assert set(table["iauname"]) == set(np.array(NAMES)[ANOMALY])


def test_a_candidate_without_a_position_is_named(group):
    with pytest.raises(UserError, match="g000"):
        group(apart=(1, NAMES[1:]))
