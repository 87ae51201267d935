"""A galaxy enlarged: the scale bar, the votes, the measurements."""

import numpy as np
import pytest

from tests.app.conftest import make_results
from workflow.app.closeup import bar_for, draw_scale, facts, votes
from workflow.app.survey import Survey
from workflow.lib.common.images import from_jpeg, to_jpeg


@pytest.mark.parametrize(
    ("scale", "length"), [(0.1, 10), (0.262, 30), (1, 120), (0.01, 1), (10, 600)]
)
def test_the_bar_is_a_round_length_of_at_most_a_third_of_the_picture(scale, length):
    bar = bar_for(scale, 424)
    assert bar.length == length
    assert bar.pixels == pytest.approx(length / scale)
    assert bar.pixels <= 424 / 3


@pytest.mark.parametrize("scale", [np.nan, 0, -1, np.inf, 1e-6])
def test_without_a_scale_there_is_no_bar(scale):
    assert bar_for(scale, 424) is None


def test_the_bar_that_is_drawn_is_as_long_as_it_says():
    bar = bar_for(0.1, 424)
    dark = to_jpeg(np.zeros((424, 424, 3), np.uint8), 95)
    drawn = from_jpeg(draw_scale(dark, bar)).max(axis=2) > 128
    left = drawn[:, :212]
    longest = left.sum(axis=1).max()
    assert longest == pytest.approx(bar.pixels, abs=3)
    # North is drawn up from the corner, east to its left.
    right = drawn[:, 212:]
    corner = np.argwhere(right).max(axis=0)
    assert right[:, corner[1] - 8 : corner[1] + 1].sum(axis=0).max() > 30
    assert not drawn[:212].any()


def test_facts_are_the_measurements_that_are_known(made_up):
    survey = made_up.survey
    found = facts(survey, 5)
    assert f"r magnitude {survey.column('mag_r')[5]:.3g} mag" in found
    assert f"RA {survey.ra[5]:.5f} deg" in found
    assert len(found) == 7


def test_votes_are_those_of_volunteers_where_there_are_any(made_up):
    yes = made_up.survey.column("bar_yes_fraction")[5]
    assert votes(made_up.survey, 5) == {"Bar": {"yes": yes}}


def test_values_of_one_galaxy_are_those_of_the_columns(made_up):
    survey = made_up.survey
    names = ["mag_r", "bar_total-votes"]
    for row in (0, 20, len(survey) - 1):
        expected = {name: survey.column(name)[row] for name in names}
        assert survey.values(row, [*names, "no-such-column"]) == expected


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({}, True),
        ({"images": {"source": "directory"}, "catalogue": {"nsa": "a.fits"}}, True),
        ({"images": {"source": "directory"}, "catalogue": {"table": "own.csv"}}, False),
        ({"images": {"source": "legacysurvey"}, "catalogue": {"table": "own.csv"}}, True),
    ],
)
def test_the_scale_of_a_users_own_pictures_is_not_known(tmp_path, change, known):
    config, _ = make_results(tmp_path, ["J0", "J1", "J2"])
    survey = Survey(config)
    config["surveys"]["decals"] |= change
    expected = survey.column("pixel_scale")[1]
    found = survey.pixel_scale(1)
    assert found == expected if known else np.isnan(found)
