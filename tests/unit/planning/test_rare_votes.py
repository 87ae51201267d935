"""Votes on rare features: what will be missing is said before anything is read."""

import pytest

from workflow.lib.planning.config import read_config
from workflow.lib.planning.rare_votes import lacking_votes

RING, IRREGULAR = "rare-features_ring_fraction", "rare-features_irregular_fraction"
PAPER = read_config([])["surveys"]["decals"]["catalogue"]
NEITHER = {name: PAPER[name] for name in ("nsa", "automated", "volunteers")}


@pytest.mark.parametrize(
    ("catalogue", "column"),
    [(PAPER, IRREGULAR), (NEITHER, RING), (NEITHER | {"rare_columns": [RING]}, RING)],
)
def test_missing_votes_are_one_line_that_says_what_to_do(catalogue, column):
    line = lacking_votes("decals", catalogue, column, "task 'x'")
    assert "\n" not in line
    assert line.startswith(f"config: task 'x' needs '{column}'")
    assert "'surveys.decals.catalogue.rare_columns'" in line


@pytest.mark.parametrize(
    ("catalogue", "column"),
    [
        (PAPER, RING),
        (PAPER, "merging_merger_fraction"),
        (NEITHER | {"rare_features": "mine.csv"}, IRREGULAR),  # all its columns are taken
        ({"table": "mine.csv", "id_column": "id"}, RING),
    ],
)
def test_nothing_is_said_of_votes_that_may_be_there(catalogue, column):
    assert lacking_votes("decals", catalogue, column, "task 'x'") is None
