"""Reading ours from the files of results: a few functions, named in the table of claims.

Every file is read as a table: a JSON file with a list has a row for each entry, any other JSON file
and the configuration have one row, whose columns are paths of keys such as ``anomalies.ratings``.
"""

import json
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from workflow.lib.claims.bootstrap import Pair, Sample
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import column_names, read_table
from workflow.lib.planning.claims import (
    RELATIVE,
    Claim,
    Condition,
    flatten,
    is_number,
    parse_side,
)

SIGNS: dict[str, Callable[[pd.Series, float], pd.Series]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class Missing(Exception):
    """Something that a claim is read from is not in this run."""


class Reading(NamedTuple):
    """A number or word of ours."""

    value: float | str
    spread: float
    """Standard deviation (ddof 0) of the rows whose mean it is; otherwise NaN."""


class Ordering(NamedTuple):
    """Comparisons that an ordering is made of; the first side should be more."""

    pairs: dict[str, Pair]
    """By the value of the column that they are made for, or empty."""
    every: bool
    """Whether it must hold in each pair; otherwise in their mean."""


def load(path: Path, columns: list[str]) -> pd.DataFrame:
    """Read columns of a file of results as a table.

    Parameters
    ----------
    path
        A JSON file, or a table for `read_table`.
    columns
        Those needed; none means that only the number of rows matters.

    Raises
    ------
    UserError
        If the file lacks a column.
    """
    if path.suffix != ".json":
        return read_table(path, columns=columns or column_names(path)[:1])
    found = json.loads(path.read_text())
    rows = [flatten(one) for one in found] if isinstance(found, list) else [flatten(found)]
    known = {name for row in rows for name in row}
    if lacking := [name for name in columns if name not in known]:
        raise UserError(f"{path}: no '{lacking[0]}'")
    return pd.DataFrame(rows, columns=columns or list(known))


def needed_columns(claim: Claim) -> list[str]:
    """Name the columns that a claim is read from."""
    sides = [parse_side(claim.rows)]
    if not (claim.other_column or is_number(claim.than)):
        sides.append(parse_side(claim.than))
    columns = [claim.column, claim.other_column, claim.by.partition(" ")[2]]
    tests = [test for side in sides for test in (*side.rows, *(side.minus or ()))]
    return list(dict.fromkeys(filter(None, [*columns, *(test.column for test in tests)])))


def read_number(claim: Claim, table: pd.DataFrame) -> Reading:
    """Read a number or word: `value`, `mean`, `count`, `distinct` or `ratio`.

    Raises
    ------
    Missing
        If no row is as the claim says.
    UserError
        If a `value` is to be read from several rows.
    """
    side = parse_side(claim.rows)
    if claim.read == "count":
        return Reading(float(_mask(table, side.rows).sum()), np.nan)
    rows = _choose(table, side.rows, claim.file)
    if claim.read == "distinct":
        return Reading(float(rows[claim.column].nunique()), np.nan)
    if claim.read == "mean":
        sample = _sample(_rows_of(table, claim.rows, claim.file), claim.column, claim)
        spread = np.sqrt(sum(part.var() for part in sample.parts))
        return Reading(sample.mean, float(spread))
    value = _single(rows, claim.column, claim)
    if claim.read == "ratio":
        if claim.other_column:
            other = _single(rows, claim.other_column, claim)
        else:
            than = _choose(table, parse_side(claim.than).rows, claim.file)
            other = _single(than, claim.column, claim)
        return Reading(float(value) / float(other), np.nan)
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return Reading(float(value) if number else str(value), np.nan)


def read_ordering(claim: Claim, table: pd.DataFrame) -> Ordering:
    """Read the two sides of an ordering: `more` or `most`.

    Raises
    ------
    Missing
        If no rows are as the claim says.
    """
    first = _rows_of(table, claim.rows, claim.file)
    beside = claim.other_column
    if claim.read == "most":
        both = first[0][[claim.column, beside]].dropna()
        if both.empty:
            raise Missing(f"{claim.file} has no values of {claim.column} and {beside}")
        more = both[claim.column] > both[beside]
        return Ordering({"": Pair(Sample(more.to_numpy(float)), 0.5)}, every=True)
    if is_number(claim.than):
        others: list[pd.DataFrame] = []
    else:
        others = first if beside else _rows_of(table, claim.than, claim.file)
    how, _, by = claim.by.partition(" ")
    values = [set(rows[by]) for rows in (*first, *others)] if by else [{""}]
    pairs = {}
    for value in sorted(set.intersection(*values)):
        sides = [
            _sample([rows[rows[by] == value] if by else rows for rows in side], column, claim)
            for side, column in ((first, claim.column), (others, beside or claim.column))
            if side
        ]
        name = f"{by} {value}" if by else ""
        pairs[name] = Pair(sides[0], sides[1] if others else float(claim.than))
    if not pairs:
        raise Missing(f"{claim.file} has no {by} with both {claim.rows} and {claim.than}")
    return Ordering(pairs, how != "mean")


def _rows_of(table: pd.DataFrame, text: str, file: str) -> list[pd.DataFrame]:
    """Choose the rows of a side, and those that it is reduced by."""
    side = parse_side(text)
    return [_choose(table, tests, file) for tests in side if tests is not None]


def _sample(parts: list[pd.DataFrame], column: str, claim: Claim) -> Sample:
    values = [rows[column].dropna().to_numpy(float) for rows in parts]
    if not all(map(len, values)):
        raise Missing(f"{claim.file} has no value of {column} in some rows")
    return Sample(*values)


def _single(rows: pd.DataFrame, column: str, claim: Claim) -> Any:
    if len(rows) > 1:
        raise UserError(f"claim '{claim.id}': {claim.file} has {len(rows)} rows with {claim.rows}")
    (value,) = rows[column]
    if pd.isna(value):
        raise Missing(f"{claim.file} has no value of {column}")
    return value


def _choose(table: pd.DataFrame, tests: tuple[Condition, ...], file: str) -> pd.DataFrame:
    rows = table[_mask(table, tests)]
    if rows.empty:
        raise Missing(f"{file} has no row with {_words(tests)}" if tests else f"{file} is empty")
    return rows


def _mask(table: pd.DataFrame, tests: tuple[Condition, ...]) -> pd.Series:
    mask = pd.Series(True, table.index)
    for test in tests:
        mask &= _passes(table[test.column], test)
    return mask


def _passes(column: pd.Series, test: Condition) -> pd.Series:
    if test.sign != "=":
        return SIGNS[test.sign](column, _number(column, test.values[0]))
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.isin([_number(column, value) for value in test.values])
    return column.astype(str).isin(test.values)


def _number(column: pd.Series, text: str) -> float:
    """Give a condition's number, or the median or largest of the column's different values."""
    if text in RELATIVE:
        return float(getattr(pd.Series(column.unique()), text)())
    return float(text) if is_number(text) else np.nan


def _words(tests: tuple[Condition, ...]) -> str:
    return ", ".join(map(str, tests))
