"""Vote fractions: samples by their products, and missing where too few volunteers voted."""

import numpy as np
import pandas as pd
import pytest

from workflow.lib.catalogue.fractions import read_vote_fractions, sample_names
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import write_parquet

FEATURED = "smooth-or-featured_featured-or-disk"


def write_fractions(path):
    """Write 40 galaxies with automated fractions of one answer and volunteers' of two."""
    share = np.arange(40) / 40
    pd.DataFrame(
        {
            "iauname": [f"J{number:05d}" for number in range(40)],
            "smooth-or-featured_featured-or-disk_automated-fraction": share,
            "smooth-or-featured_featured-or-disk_fraction": 1 - share,
            "disk-edge-on_no_fraction": np.where(share > 0.9, np.nan, 0.8),
            "ring": 0.7,
        }
    ).to_parquet(path)
    return path


@pytest.fixture
def catalogue(tmp_path):
    return write_fractions(tmp_path / "decals.parquet")


def numbers(names):
    return [int(name[1:]) for name in names]


def test_without_fractions_every_galaxy_is_selected(catalogue):
    assert numbers(sample_names(catalogue, None, [], 0.5)) == list(range(40))


def test_automated_fractions_are_used_before_those_of_volunteers(catalogue):
    assert numbers(sample_names(catalogue, None, [FEATURED], 0.5)) == list(range(21, 40))


def test_galaxies_are_selected_by_the_product_unless_a_fraction_is_missing(catalogue):
    chosen = sample_names(catalogue, None, [FEATURED, "disk-edge-on_no"], 0.5)
    assert numbers(chosen) == [n for n in range(40) if n / 40 * 0.8 > 0.5 and n / 40 <= 0.9]


def test_a_column_of_exactly_that_name_is_used_too(catalogue):
    assert len(sample_names(catalogue, None, ["ring"], 0.69)) == 40
    assert len(sample_names(catalogue, None, ["ring"], 0.7)) == 0


def test_a_fraction_without_a_column_is_named_in_the_error(catalogue):
    with pytest.raises(UserError, match="no column 'bar_no_automated-fraction' or") as caught:
        sample_names(catalogue, None, ["bar_no"], 0.5)
    assert str(catalogue) in str(caught.value)


QUESTIONS = {"shape": ["round", "long"], "never-asked": ["yes"]}
VOTED = [f"J{number:03d}" for number in range(120)]


@pytest.fixture
def votes_file(tmp_path):
    """Write 120 galaxies in reverse order; the last 20 have 9 votes on a question, others 10."""
    fraction = np.where(np.arange(120) < 40, 0.9, 0.1)
    columns = {
        "iauname": VOTED,
        "shape_total-votes": np.where(np.arange(120) < 100, 10, 9),
        "shape_round_fraction": fraction,
        "shape_long_fraction": 1 - fraction,
    }
    write_parquet(pd.DataFrame(columns).iloc[::-1], tmp_path / "votes.parquet")
    return tmp_path / "votes.parquet"


def test_fractions_from_too_few_votes_are_missing(votes_file):
    votes = read_vote_fractions(votes_file, VOTED, QUESTIONS, [], 10)
    assert list(votes) == ["shape_round_fraction", "shape_long_fraction"]
    assert votes["shape_round_fraction"].isna().sum() == 20


def test_more_columns_of_fractions_can_be_read(votes_file):
    votes = read_vote_fractions(votes_file, VOTED, {}, ["shape_round_fraction"], 99)
    assert votes["shape_round_fraction"].notna().all()


@pytest.mark.parametrize("value", [-1, -99, 50])
def test_what_is_no_fraction_is_refused_with_its_galaxy(catalogue, value):
    table = pd.read_parquet(catalogue)
    table.loc[3, "ring"] = value
    write_parquet(table, catalogue)
    with pytest.raises(UserError, match=f"'ring' is {value} for galaxy J00003, row 4, not a frac"):
        sample_names(catalogue, None, ["ring"], 0.5)


def test_votes_of_a_galaxy_that_is_not_in_the_catalogue_are_refused(votes_file):
    with pytest.raises(UserError, match=r"votes\.parquet: no galaxy J999"):
        read_vote_fractions(votes_file, [*VOTED, "J999"], QUESTIONS, [], 10)
