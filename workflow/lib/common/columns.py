"""The values of a table's columns, checked where they are used.

A column that decides something has numbers, fractions or measurements. What is missing is NaN. A
number that is no value of its column is refused, with the key that declares it as missing.
"""

import logging
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.common.errors import UserError

log = logging.getLogger(__name__)

SENTINELS = (-1, -9, -99, -999, -9999, -99999, 99, 999, 9999, 99999, 999999)
"""Numbers that tables have in place of a missing value."""

MEASURED = {
    "ra": (0, 360),
    "dec": (-90, 90),
    "petro_theta": (0, np.inf),
    "petro_th50": (0, np.inf),
    "petro_th90": (0, np.inf),
}
"""The measured columns of a catalogue, with their smallest and largest value [deg, arcsec]."""

ROUNDING = 1e-6
"""How far beyond 0 and 1 a fraction may lie: the error of a float32."""


def numbers(column: pd.Series, path: str | Path, iaunames: pd.Series | None = None) -> pd.Series:
    """Give a column as numbers, NaN if missing or infinite.

    Parameters
    ----------
    column
        A column of numbers, flags, or text with numbers. Its index counts the table's rows from 0.
    path
        The table that it is from.
    iaunames
        The galaxies' names.

    Returns
    -------
    pandas.Series
        Numbers, with the index of `column`. A text that is no number is missing, and logged with
        its row and galaxy.

    Raises
    ------
    UserError
        If the column has complex numbers or times, or if most of its values are no numbers.
    """
    if column.dtype.kind in "cmM":
        raise UserError(f"{path}: column '{column.name}' is not a number but {column.dtype}")
    values = pd.to_numeric(column, errors="coerce").replace([np.inf, -np.inf], np.nan)
    if not (pd.api.types.is_numeric_dtype(column) or values.notna().all()):
        words = column.astype(str).str.strip()
        blank = column.isna() | (words == "")
        odd = values.isna() & ~blank & (words.str.lower() != "nan")
        if odd.sum() * 2 > (~blank).sum():
            raise UserError(
                f"{path}: column '{column.name}' is not a number{_where(odd, iaunames)}: "
                f"{column[odd].iloc[0]!r}"
            )
        _report_missing(column, odd, "a number", path, iaunames)
    return values


def fractions(column: pd.Series, path: str | Path, iaunames: pd.Series | None = None) -> pd.Series:
    """Give a column of fractions, labels or tags; the parameters are those of `numbers`.

    Raises
    ------
    UserError
        As for `numbers`, or if a value does not lie between 0 and 1.
    """
    values = numbers(column, path, iaunames)
    beyond = values.notna() & ~values.between(-ROUNDING, 1 + ROUNDING)
    if beyond.any():
        raise _wrong_value(values, beyond, "a fraction from 0 to 1", path, iaunames)
    return values


def counts(column: pd.Series, path: str | Path, iaunames: pd.Series | None = None) -> pd.Series:
    """Give a column of numbers of votes; the parameters are those of `numbers`.

    Raises
    ------
    UserError
        As for `numbers`, or if a number is negative.
    """
    values = numbers(column, path, iaunames)
    if (values < 0).any():
        raise _wrong_value(values, values < 0, "a number of votes", path, iaunames)
    return values


def refuse_sentinels(
    values: pd.Series,
    path: str | Path,
    iaunames: pd.Series | None = None,
    ends: Collection[str] = ("low", "high"),
) -> None:
    """Refuse a number that stands for a missing value, in a column whose range is not known.

    Parameters
    ----------
    values
        By `numbers`.
    path, iaunames
        As for `numbers`.
    ends
        Where to look: at the ``low`` end of the values, or at the ``high`` one.

    Raises
    ------
    UserError
        If a value is one of `SENTINELS` and far from all others: negative where no other is, or
        farther from them than they are apart (ten times as far if it is positive).
    """
    known = values.dropna().astype(np.float64)
    if known.empty:
        return
    for name, end in {"low": known.min(), "high": known.max()}.items():
        others = known[known != end]
        if name not in ends or end not in SENTINELS or others.empty:
            continue
        spread = others.max() - others.min()
        if name == "low" and end < 0:
            apart = others.min() >= 0 or others.min() - end >= spread
        else:
            apart = name == "high" and end > 0 and spread > 0 and end - others.max() >= 10 * spread
        if apart:
            raise _wrong_value(values, values == end, "like the others", path, iaunames)


def measurements(galaxies: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """Check the coordinates and radii of galaxies.

    Parameters
    ----------
    galaxies
        iauname, and some of the columns `MEASURED`; others are left alone.
    path
        The table that they are from.

    Returns
    -------
    pandas.DataFrame
        The same columns. A value that cannot be is missing, and logged with its row and galaxy;
        so are positions of exactly 0, 0 if several galaxies have them.

    Raises
    ------
    UserError
        If a value is one of `SENTINELS`, or if most values of a column cannot be.
    """
    checked = galaxies.copy()
    for name in MEASURED.keys() & galaxies.columns:
        values = numbers(galaxies[name], path, galaxies["iauname"])
        beyond = values.notna() & ~_possible(values, name)
        low, high = MEASURED[name]
        what = f"from {low} to {high:g}" if np.isfinite(high) else f"at least {low}"
        if beyond.sum() * 2 > values.notna().sum() or values[beyond].isin(SENTINELS).any():
            raise _wrong_value(values, beyond, what, path, galaxies["iauname"])
        _report_missing(values, beyond, what, path, galaxies["iauname"])
        values = values.mask(beyond)
        if not np.isfinite(high):
            refuse_sentinels(values, path, galaxies["iauname"])
        checked[name] = values
    if {"ra", "dec"} <= set(checked):
        nowhere = (checked["ra"] == 0) & (checked["dec"] == 0)
        if nowhere.sum() > 1:
            _report_missing(checked["ra"], nowhere, "a place, with dec 0", path, checked["iauname"])
            checked.loc[nowhere, ["ra", "dec"]] = np.nan
    return checked


def possible(values: np.ndarray, name: str) -> np.ndarray:
    """Give the values of the measured column `name`, shape (n,), with NaN for what cannot be."""
    return np.where(_possible(values, name), values, np.nan)


def _possible(values: np.ndarray | pd.Series, name: str) -> np.ndarray | pd.Series:
    low, high = MEASURED[name]
    return (values >= low) & (values <= high)


def _where(wrong: pd.Series, iaunames: pd.Series | None) -> str:
    """Say which row and galaxy is the first that is wrong."""
    place = int(np.argmax(wrong.to_numpy()))
    row = wrong.index[place]
    words = [] if iaunames is None else [f"galaxy {iaunames.iloc[place]}"]
    words += [f"row {row + 1}"] if isinstance(row, int | np.integer) else []
    return f" for {', '.join(words)}" if words else ""


def _wrong_value(
    values: pd.Series, wrong: pd.Series, what: str, path: str | Path, iaunames: pd.Series | None
) -> UserError:
    found = values[wrong]
    value, rows = f"{found.iloc[0]:.7g}", f" ({len(found)} rows)" if len(found) > 1 else ""
    signs = sorted({int(number) for number in found if number in SENTINELS})
    return UserError(
        f"{path}: column '{values.name}' is {value}{_where(wrong, iaunames)}{rows}, not {what}; "
        + (
            f"if it means that there is no value, set 'missing_values: {signs}' in 'surveys.<name>'"
            if signs
            else "mend the table, or leave the value empty if it is not known"
        )
    )


def _report_missing(
    values: pd.Series, wrong: pd.Series, what: str, path: str | Path, iaunames: pd.Series | None
) -> None:
    if wrong.any():
        log.warning(
            "%s: column '%s' is %s%s, not %s; %d such rows count as missing",
            path, values.name, values[wrong].iloc[0], _where(wrong, iaunames), what, wrong.sum(),
        )  # fmt: skip
