"""The page while the workflow makes one of its files again: a sentence, and then all is well."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import make_results

PAGE = Path(__file__).parents[2] / "workflow" / "app" / "page.py"
NAMES = [f"J{number:04d}" for number in range(12)]


@pytest.fixture
def results(tmp_path):
    make_results(tmp_path, NAMES)
    return tmp_path


@pytest.fixture
def page(results, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["page.py", str(results / "page.yaml")])
    app = AppTest.from_file(str(PAGE), default_timeout=300)
    app.query_params["galaxy"] = NAMES[0]
    assert sentences(app.run()) == []
    return app


def sentences(app):
    assert not app.exception
    return [error.value.replace("\\", "") for error in app.error]


def test_a_shard_that_is_made_again_is_a_sentence_until_it_is_there(page, results):
    shard = results / "2_cutouts/decals/0-of-3.parquet"
    content = shard.read_bytes()
    for left in (None, content[:100]):
        shard.unlink()
        if left:
            shard.write_bytes(left)
        (sentence,) = sentences(page.run())
        assert "0-of-3.parquet: cannot be read" in sentence
        assert "reload this page later" in sentence
        shard.write_bytes(content)
        assert sentences(page.run()) == []


def test_a_catalogue_that_is_made_again_is_a_sentence_until_it_is_there(page, results):
    catalogue = results / "1_catalogue/decals.parquet"
    content = catalogue.read_bytes()
    catalogue.unlink()
    (sentence,) = sentences(page.multiselect[0].select("bar_yes_fraction").run())
    assert "decals.parquet: cannot be read" in sentence
    catalogue.write_bytes(content)
    assert sentences(page.run()) == []
    pd.read_parquet(catalogue).iloc[1:].to_parquet(catalogue)
    (sentence,) = sentences(page.multiselect[0].select("bar_total-votes").run())
    assert "has other galaxies than before; restart the page" in sentence
