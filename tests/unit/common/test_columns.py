"""Columns: what is a number, a fraction, a position; signs of a missing value are refused."""

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.lib.common.columns import (
    SENTINELS,
    counts,
    fractions,
    measurements,
    numbers,
    possible,
    refuse_sentinels,
)
from workflow.lib.common.errors import UserError


def column(values, name="ring", dtype=None):
    return pd.Series(values, name=name, dtype=dtype), pd.Series([f"g{n}" for n in range(99)])


def check(function, values, **options):
    series, names = column(values, **options)
    return function(series, "t.csv", names[: len(series)])


def complaint(function, values, **options):
    with pytest.raises(UserError) as caught:
        check(function, values, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "values", [[0, 1], [True, False, None], ["0.5", "", "NaN"], [0.5, np.inf], [None, "1"]]
)
def test_numbers_flags_and_numbers_as_text_are_numbers(values):
    found = check(numbers, values).astype(float)
    expected = [np.nan if v in (None, "", "NaN", np.inf) else float(v) for v in values]
    np.testing.assert_array_equal(found, expected)


def test_a_single_text_costs_its_galaxy_and_is_logged(caplog):
    found = check(numbers, ["1", "about 2", "3"])
    np.testing.assert_array_equal(found, [1, np.nan, 3])
    assert "'ring' is about 2 for galaxy g1, row 2, not a number" in caplog.text


@pytest.mark.parametrize(
    "values", [["a", "b"], ["1", "b", "c"], [1 + 2j, 1], pd.to_datetime(["2020-01-01"])]
)
def test_a_column_that_has_no_numbers_is_refused(values):
    assert "t.csv: column 'ring' is not a number" in complaint(numbers, values)


@pytest.mark.parametrize("value", [*SENTINELS, 1.5, -0.2])
@pytest.mark.parametrize("others", [[0, 1], [0.2, np.nan]])
def test_what_is_no_fraction_is_refused_with_its_galaxy(value, others):
    message = complaint(fractions, [*others, value])
    assert f"'ring' is {value} for galaxy g2, row 3, not a fraction from 0 to 1" in message
    assert (f"set 'missing_values: [{value}]' in 'surveys.<name>'" in message) == (
        value in SENTINELS
    )


def test_all_signs_of_missing_values_are_named_at_once():
    assert "missing_values: [-99, -1]" in complaint(fractions, [0, -99, 1, -1, -99])


@given(st.lists(st.floats(0, 1, width=32) | st.none()))
def test_fractions_stay_as_they_are(values):
    np.testing.assert_array_equal(
        check(fractions, values, dtype=np.float32), np.array(values, np.float32)
    )


def test_a_negative_number_of_votes_is_refused():
    assert "is -1 for galaxy g1, row 2, not a number of votes" in complaint(counts, [3, -1])
    assert check(counts, [3, None, 99])[0] == 3


@pytest.mark.parametrize(
    "values",
    [
        [14.2, 15.8, -99, 17.1],
        [14.2, 15.8, 99.0, 17.1],
        [14.2, 15.8, -9999, -99],
        [0.1, 0.02, -1, 0.3],  # redshifts
        [0, 1, 1, -9],
        [0, 1, 1, 999999],
        [3.0, 3.0, -99],
    ],
)
def test_a_sign_of_a_missing_value_among_measurements_is_refused(values):
    assert "missing_values: [" in complaint(refuse_sentinels, values)


@pytest.mark.parametrize(
    "values",
    [
        [-1, -1],
        [],
        [np.nan],
        [40, 50, 99],  # votes
        list(range(95, 100)),
        [-1, -2, 0.5, -0.3],  # a logarithm
        [98.2, 99],
        [-98.7, -99, -99.4],
    ],
)
def test_measurements_that_happen_to_equal_a_sign_are_kept(values):
    check(refuse_sentinels, values, dtype=float)


def galaxies(**columns):
    rows = len(next(iter(columns.values())))
    return pd.DataFrame({"iauname": [f"g{n}" for n in range(rows)], **columns})


def test_positions_and_radii_that_cannot_be_are_missing_and_logged(caplog):
    caplog.set_level(logging.WARNING)
    table = galaxies(
        ra=["150.1", "12:00:01", "400", "0", "360"],
        dec=[2.0, 91.0, 3.0, np.nan, -90.0],
        petro_th50=[3.0, 4.0, -0.5, 0.0, np.inf],
        z=[-1, 400, 0, 0, 0],
    )
    found = measurements(table, "t.csv")
    np.testing.assert_array_equal(found["ra"], [150.1, np.nan, np.nan, 0, 360])
    np.testing.assert_array_equal(found["dec"], [2, np.nan, 3, np.nan, -90])
    np.testing.assert_array_equal(found["petro_th50"], [3, 4, np.nan, 0, np.nan])
    assert found["z"].equals(table["z"])
    assert "'ra' is 12:00:01 for galaxy g1, row 2, not a number" in caplog.text
    assert "'ra' is 400.0 for galaxy g2, row 3, not from 0 to 360" in caplog.text


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"ra": [1.0, -999, 3]}, "missing_values: [-999]"),
        ({"dec": [1.0, 2, 99]}, "missing_values: [99]"),
        ({"petro_th90": [5.0, -1, 6]}, "missing_values: [-1]"),
        ({"petro_th50": [5.0, 9999, 6]}, "missing_values: [9999]"),
        ({"ra": ["12:00:01", "13:00:02", "1"]}, "'ra' is not a number for galaxy g0, row 1"),
        ({"ra": [400.0, 500, 1]}, "'ra' is 400 for galaxy g0, row 1 (2 rows), not from 0 to 360"),
    ],
)
def test_signs_of_missing_values_and_wrong_columns_are_refused(columns, message):
    with pytest.raises(UserError) as caught:
        measurements(galaxies(**columns), "t.csv")
    assert message in str(caught.value)


def test_a_position_that_stands_for_none_is_missing(caplog):
    found = measurements(galaxies(ra=[0.0, 5, 0, 0], dec=[0.0, 1, 0, 1]), "t.csv")
    np.testing.assert_array_equal(found["ra"], [np.nan, 5, np.nan, 0])
    assert "2 such rows count as missing" in caplog.text
    one = measurements(galaxies(ra=[0.0, 5], dec=[0.0, 1]), "t.csv")
    assert one["ra"].tolist() == [0, 5]


def test_impossible_values_are_missing():
    np.testing.assert_array_equal(
        possible(np.array([-1.0, 0, 360, 361, np.nan]), "ra"), [np.nan, 0, 360, np.nan, np.nan]
    )
