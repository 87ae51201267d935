"""Any column of numbers can be chosen as a filter, and none breaks the page."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import make_results
from workflow.lib.common.tables import write_parquet

PAGE = Path(__file__).parents[2] / "workflow" / "app" / "page.py"
COLUMNS = {
    "objid": 587722984435351614 + np.arange(40),
    "unsigned": np.uint64(2**64 - 1) - np.arange(40, dtype=np.uint64),
    "negative": -(10**17) - np.arange(40),
    "huge": 1e300 * (1 + np.arange(40)),
    "rank": np.arange(40),
    "distance": np.arange(40) / 3,
    "unknown": np.full(40, np.nan),
    "same": np.full(40, 7),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    make_results(folder, [f"J{number:04d}" for number in range(40)])
    path = folder / "1_catalogue" / "decals.parquet"
    table = pd.read_parquet(path)
    table.loc[3, ["ra", "dec"]] = [400, -99]
    write_parquet(table.assign(**COLUMNS), path)
    return folder


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_of_any_numbers_can_be_chosen(results, monkeypatch, column):
    monkeypatch.setattr(sys, "argv", ["page.py", str(results / "page.yaml")])
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    app.query_params["galaxy"] = "J0003"
    app.run()
    app.multiselect[0].select(column)
    assert not app.run().exception
    sliders = [slider for slider in app.slider if slider.key == f"filter-{column}"]
    if column in ("rank", "distance"):
        low, high = sliders[0].value
        sliders[0].set_value((low, high - 2))
        assert not app.run().exception
    else:
        assert not sliders
        assert any(column in caption.value for caption in app.caption)
