"""Columns and values as people say them."""

import pytest

from workflow.app.names import name_of, split_votes, titles, value_of
from workflow.app.text import label


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("mag_r", "r magnitude"),
        ("petro_theta", "Petrosian radius"),
        ("smooth-or-featured_smooth_fraction", "Smooth or featured: smooth"),
        ("spiral-arm-count_2_automated-fraction", "Spiral arm count: 2 (automated)"),
        ("bar_strong_debiased", "Bar: strong (debiased)"),
        ("bar_total-votes", "Bar: all votes"),
        ("bar_strong", "Bar: strong (votes)"),
        ("u_g", "u_g"),
        ("Class1.1", "Class1.1"),
        ("_total-votes", "_total-votes"),
        ("__fraction", "__fraction"),
        ("", ""),
    ],
)
def test_a_column_is_called_as_people_do(column, name):
    assert name_of(column, ["bar_total-votes", "bar_strong"]) == name


def test_every_column_has_a_title_of_its_own_with_its_unit():
    units = {"mag_r": "mag", "ra": "deg", "r magnitude": "mag", "bar_yes_fraction": ""}
    assert titles(units) == {
        "mag_r": "mag_r [mag]",
        "ra": "RA [deg]",
        "r magnitude": "r magnitude [mag]",
        "bar_yes_fraction": "Bar: yes",
    }


@pytest.mark.parametrize(
    ("column", "value", "unit", "text"),
    [
        ("mag_r", 16.2345, "mag", "16.2 mag"),
        ("petro_theta", 7.0, "arcsec", "7 arcsec"),
        ("ra", 184.592347, "deg", "184.59235 deg"),
        ("dec", -0.5, "deg", "-0.50000 deg"),
        ("bar_yes_fraction", 1 / 3, "", "0.333"),
    ],
)
def test_a_value_has_three_digits_and_its_unit(column, value, unit, text):
    assert value_of(column, value, unit) == text


def test_only_columns_of_vote_fractions_are_split():
    assert split_votes("has-spiral-arms_yes_fraction") == ("Has spiral arms", "yes", "fraction")
    assert split_votes("bar_total-votes") is None


@pytest.mark.parametrize(
    "title", ["r magnitude [mag]", "Smooth or featured: smooth (automated)", "90% light radius"]
)
def test_screen_readers_get_titles_unchanged(title):
    assert label(title) == title
