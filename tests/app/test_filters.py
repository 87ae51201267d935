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


@pytest.fixture
def app(results, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["page.py", str(results / "page.yaml")])
    app = AppTest.from_file(str(PAGE), default_timeout=300)
    app.query_params["galaxy"] = "J0003"
    return app.run()


def slider(app, column):
    return [slider for slider in app.slider if slider.key == f"filter-{column}"]


def applied(app):
    found = app.query_params.get("filter", [])
    return [found] if isinstance(found, str) else sorted(found)


def press(app, label):
    (button,) = [button for button in app.button if button.label == label]
    assert not button.click().run().exception


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_of_any_numbers_can_be_chosen(app, column):
    app.multiselect[0].select(column)
    assert not app.run().exception
    if column in ("rank", "distance"):
        low, high = slider(app, column)[0].value
        slider(app, column)[0].set_value((low, high - 2))
        press(app, "Apply")
        assert applied(app) == [f"{column}:{low}:{high - 2}"]
    else:
        assert not slider(app, column)
        assert any(column in caption.value for caption in app.caption)


def test_filters_are_applied_together_and_removed_with_their_column_or_all(app):
    app.multiselect[0].select("rank").run()
    slider(app, "rank")[0].set_value((3.0, 20.0))
    slider(app, "mag_r")[0].set_value((4.0, 6.0))
    press(app, "Apply")
    assert applied(app) == ["mag_r:4.0:6.0", "rank:3.0:20.0"]
    app.multiselect[0].unselect("mag_r").run()
    assert applied(app) == ["rank:3.0:20.0"]
    press(app, "Remove all filters")
    assert applied(app) == []
    assert slider(app, "rank")[0].value == (0.0, 39.0)


@pytest.mark.parametrize(
    "text",
    ["", "rank", "rank:1", "rank:9:1", "rank:nan:1", "rank:a:b", "nothing:1:2", "same:1:9",
     "a:b:c:d", "<script>:1:2", "huge:0:1", "rank:-inf:inf"],
)  # fmt: skip
def test_a_filter_in_the_address_that_means_nothing_is_ignored(app, text):
    app.query_params["filter"] = [text, "rank:30:35"]
    assert not app.run().exception
    passing = [caption.value for caption in app.caption if "pass the filters" in caption.value]
    assert passing == ["6 of 40 galaxies pass the filters"]


def test_a_filter_that_no_galaxy_passes_says_so(app):
    app.query_params["filter"] = ["rank:30:35", "distance:0:1"]
    assert [info.value for info in app.run().info] == ["No galaxy passes the filters."]
    app.query_params["galaxy"] = ""
    assert not app.run().exception
