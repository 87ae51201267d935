"""From the source tables to one catalogue per survey: cuts and votes (paper Sec. 2.1)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from workflow.lib.common.columns import (
    MEASURED,
    fractions,
    measurements,
    numbers,
    refuse_sentinels,
)
from workflow.lib.common.errors import UserError
from workflow.lib.common.files import write_json
from workflow.lib.common.images import thumbnail_pixel_scale
from workflow.lib.common.tables import column_names, need_columns, read_table, write_parquet
from workflow.lib.sources.nsa import NSA_COLUMNS, read_nsa

UNITS = {
    "ra": "deg",
    "dec": "deg",
    "petro_theta": "arcsec",
    "petro_th50": "arcsec",
    "petro_th90": "arcsec",
    "mag_r": "mag",
    "pixel_scale": "arcsec/pixel",
}
"""The measured columns of a catalogue and their units."""

CONTROL = r"[\x00-\x1f\x7f]"
"""Control characters, which no id has."""

ROW_GROUP = 2**16
"""Rows in a row group, small enough that a shard's job reads little more than its own rows."""


class Selection(NamedTuple):
    """The galaxies that passed every cut, and how many each cut removed and left."""

    galaxies: pd.DataFrame
    counts: list[dict[str, int | str]]


def select(
    galaxies: pd.DataFrame,
    cuts: Mapping[str, Mapping[str, float]],
    exclude: Sequence[str],
    path: str | Path,
) -> Selection:
    """Apply cuts one after the other and count what each removes (paper Sec. 2.1).

    Parameters
    ----------
    galaxies
        One row for each galaxy.
    cuts
        The open interval to keep of each column: `above`, `below` or both. A missing value never
        passes.
    exclude
        Boolean columns. Galaxies for which one is true are removed.
    path
        File that the galaxies were read from, for messages.

    Returns
    -------
    Selection
        `counts` has a row for each cut, in order: `cut`, `removed`, `left`.

    Raises
    ------
    UserError
        If a column does not exist or does not hold numbers, has a sign of a missing value that
        passes, or if nothing is left.
    """
    need_columns(galaxies, [*cuts, *exclude], path)
    counts: list[dict[str, int | str]] = []
    for column, cut in cuts.items():
        check = fractions if column.endswith("fraction") else numbers
        values = check(galaxies[column], path, galaxies.get("iauname"))
        known = values.notna()
        galaxies, values = _keep(galaxies, known, f"{column} unknown", counts), values[known]
        for side, bound in cut.items():
            passes = values > bound if side == "above" else values < bound
            galaxies = _keep(galaxies, passes, f"{column} not {side} {bound}", counts)
            values = values[passes]
        # The sign of a missing value passes a cut that bounds the other side only.
        ends = {"above": "low", "below": "high"}
        open_ends = [end for side, end in ends.items() if side not in cut]
        refuse_sentinels(values, path, galaxies.get("iauname"), open_ends)
    for column in exclude:
        flagged = numbers(galaxies[column], path, galaxies.get("iauname"))
        refuse_sentinels(flagged, path, galaxies.get("iauname"))
        flagged = flagged.fillna(0).astype(bool)
        galaxies = _keep(galaxies, ~flagged, column, counts)
    if galaxies.empty:
        removed = ", ".join(f"{row['cut']}: {row['removed']}" for row in counts)
        raise UserError(f"{path}: no galaxy passes the cuts ({removed})")
    return Selection(galaxies.reset_index(drop=True), counts)


def beside_published(
    counts: Sequence[Mapping[str, int | str]], exclude: Sequence[str], published: int | None
) -> list[dict[str, int | str]]:
    """Compare the number of galaxies with a published one, also as it were without the flags.

    The paper's text removes galaxies of a wrong size, the authors' code does not (Sec. 2.1).

    Parameters
    ----------
    counts
        Rows like those by `select`, which applies the flags last.
    exclude
        The flags.
    published
        A number of galaxies; None compares nothing.

    Returns
    -------
    list of dict
        Rows like those of `counts`, with published, difference, and whether it is the nearer one.
    """
    if published is None:
        return []
    flagged = sum(int(row["removed"]) for row in counts[len(counts) - len(exclude) :])
    left = int(counts[-1]["left"])
    readings = {"all cuts": left}
    if exclude:
        readings[f"all cuts but {', '.join(exclude)}"] = left + flagged
    nearest = min(abs(number - published) for number in readings.values())
    return [
        {
            "cut": name,
            "removed": 0,
            "left": number,
            "published": published,
            "difference": number - published,
            "nearer": abs(number - published) == nearest,
        }
        for name, number in readings.items()
    ]


def select_atlas_galaxies(
    nsa: str | Path,
    automated: str | Path,
    volunteers: str | Path | None,
    rare_features: str | Path | None,
    rare_columns: Sequence[str] | None = None,
    *,
    flux_column: str,
    flux_index: int,
    zero_point: float,
    cuts: Mapping[str, Mapping[str, float]],
    exclude: Sequence[str],
    pixel_scale: Mapping[str, float],
    missing_values: Sequence[float] = (),
    published: int | None = None,
    catalogue: str | Path,
    counts: str | Path,
) -> None:
    """Write the catalogue of atlas galaxies that the survey observed (paper Sec. 2.1).

    Every table of votes has an `iauname` column. The automated table lists all observed galaxies;
    its fractions are kept as ``{question}_{answer}_automated-fraction``, and cuts may use its
    other columns. Volunteers' votes and rare features are missing where nobody was asked. Of rare
    features only `rare_columns` are kept, if given: the published table of rings also has automated
    fractions, under the names of volunteers' fractions. Numbers in `missing_values` mean that there
    is no value. `published` is as for `beside_published`.

    Raises
    ------
    UserError
        If a table is missing, lacks a column or matches no galaxy.
    """
    galaxies = read_nsa(nsa, flux_column, flux_index, zero_point, missing_values)
    steps: list[dict[str, int | str]] = [
        {"cut": "in the atlas", "removed": 0, "left": len(galaxies)}
    ]
    galaxies = _keep(galaxies, ~galaxies["iauname"].duplicated(), "listed twice", steps)
    asked = asked_of_automated(cuts, exclude)
    taken = automated_columns(column_names(automated))
    wanted = [name for name in column_names(automated) if name in taken or name in asked]
    predicted = _read_by_name(automated, wanted, missing_values)
    observed = galaxies["iauname"].isin(predicted.index)
    if not observed.any():
        raise UserError(f"{automated}: none of its iaunames is in {nsa}")
    galaxies = _keep(galaxies, observed, "not observed by the survey", steps)
    extra = predicted[[name for name in asked if name in predicted]]
    selection = select(galaxies.join(extra, on="iauname"), cuts, exclude, automated)
    galaxies = measurements(selection.galaxies, nsa).assign(
        pixel_scale=lambda frame: thumbnail_pixel_scale(
            frame["petro_th50"], frame["petro_th90"], **pixel_scale
        )
    )
    galaxies = galaxies.join(predicted[[*taken]].rename(columns=taken), on="iauname")
    if volunteers is not None:
        galaxies = _join_votes(galaxies, volunteers, None, missing_values)
    if rare_features is not None:
        galaxies = _join_votes(galaxies, rare_features, rare_columns, missing_values)
    steps += selection.counts
    steps += beside_published(steps, exclude, published)
    _write(galaxies, steps, catalogue, counts)


def select_table_galaxies(
    table: str | Path,
    *,
    id_column: str,
    cuts: Mapping[str, Mapping[str, float]],
    exclude: Sequence[str],
    pixel_scale: Mapping[str, float],
    missing_values: Sequence[float] = (),
    published: int | None = None,
    catalogue: str | Path,
    counts: str | Path,
) -> None:
    """Write the catalogue of a survey that is given as one table with an id column.

    The id column becomes iauname; all others keep their names, except that those of `MEASURED`,
    such as RA and DEC, are put in small letters. A pixel scale is added if the table has
    petro_th50 and petro_th90. `published` is as for `beside_published`.

    Raises
    ------
    UserError
        If the table is missing, lacks the id column, or has an id that is empty, occurs twice or
        has control characters.
    """
    galaxies = read_table(table, text=[id_column], missing=missing_values)
    need_columns(galaxies, [id_column], table)
    names = table_columns(galaxies, id_column)
    galaxies = galaxies[[*names]].rename(columns=names)
    empty = galaxies["iauname"].eq("")
    if empty.any():
        raise UserError(f"{table}: no '{id_column}' in row {int(np.argmax(empty)) + 1}")
    control = galaxies["iauname"].str.contains(CONTROL)
    if control.any():
        name = galaxies["iauname"][control].iloc[0]
        raise UserError(f"{table}: '{id_column}' {name!r} has a character that cannot be printed")
    twice = galaxies["iauname"].duplicated()
    if twice.any():
        name = galaxies["iauname"][twice].iloc[0]
        raise UserError(f"{table}: '{id_column}' {name} occurs more than once; ids must be unique")
    steps: list[dict[str, int | str]] = [
        {"cut": "in the table", "removed": 0, "left": len(galaxies)}
    ]
    selection = select(galaxies, cuts, exclude, table)
    galaxies = measurements(selection.galaxies, table)
    if {"petro_th50", "petro_th90"} <= set(galaxies):
        galaxies["pixel_scale"] = thumbnail_pixel_scale(
            galaxies["petro_th50"], galaxies["petro_th90"], **pixel_scale
        )
    steps += selection.counts
    steps += beside_published(steps, exclude, published)
    _write(galaxies, steps, catalogue, counts)


def asked_of_automated(cuts: Iterable[str], exclude: Iterable[str]) -> list[str]:
    """Name the columns of cuts and flags that the atlas lacks, so the automated table has them."""
    measured = {*NSA_COLUMNS.values(), "mag_r"}
    return [name for name in dict.fromkeys([*cuts, *exclude]) if name not in measured]


def automated_columns(have: Iterable[str]) -> dict[str, str]:
    """Map the fractions of an automated table to their names in a catalogue."""
    return {
        name: name.replace("_fraction", "_automated-fraction")
        for name in have
        if name.endswith("_fraction")
    }


def vote_columns(have: Iterable[str], chosen: Sequence[str] | None = None) -> set[str]:
    """Name the columns that are taken of a table of votes.

    These are the chosen ones, or else all votes on questions; other columns, such as debiased
    fractions, are left out.
    """
    if chosen:
        return set(chosen)
    totals = {name for name in have if name.endswith("_total-votes")}
    fractions = {name for name in have if name.endswith("_fraction")}
    return totals | fractions | {name.removesuffix("_fraction") for name in fractions}


def table_columns(have: Iterable[str], id_column: str) -> dict[str, str]:
    """Map the columns of a survey's table to their names in its catalogue.

    The id column becomes iauname. Measured columns get small letters, if no other column has that
    name.
    """
    names = {
        name: "iauname" if name == id_column else str(name)
        for name in have
        if name != "iauname" or name == id_column
    }
    taken = {*names.values()}
    small = {name: ours.lower() for name, ours in names.items()}
    return names | {
        name: low for name, low in small.items() if low in MEASURED and low not in taken
    }


def label_columns(column: str, cuts: Iterable[str], table: object = None) -> list[str]:
    """Name the columns of a catalogue that decide a label: its own, and those of its cuts.

    If a label has a table of its own, its column is there.
    """
    return list(dict.fromkeys([*([] if table else [column]), *cuts]))


def _read_by_name(
    path: str | Path, wanted: Sequence[str], missing_values: Sequence[float]
) -> pd.DataFrame:
    """Read iauname and the wanted columns only: the real tables have gigabytes of others."""
    columns = dict.fromkeys(["iauname", *wanted])
    frame = read_table(path, text=["iauname"], columns=columns, missing=missing_values)
    twice = frame["iauname"].duplicated()
    if twice.any():
        raise UserError(f"{path}: iauname {frame['iauname'][twice].iloc[0]} occurs more than once")
    return frame.set_index("iauname")


def _join_votes(
    galaxies: pd.DataFrame,
    path: str | Path,
    chosen: Sequence[str] | None,
    missing_values: Sequence[float],
) -> pd.DataFrame:
    """Add the chosen columns of a table of votes; by default, all votes on questions."""
    have = column_names(path)
    need_columns(pd.DataFrame(columns=have), chosen or (), path)
    wanted = vote_columns(have, chosen)
    votes = _read_by_name(path, [name for name in have if name in wanted], missing_values)
    twice = [name for name in votes if name in galaxies]
    if twice:
        raise UserError(
            f"{path}: column '{twice[0]}' is also in an earlier table; remove one, or list the "
            "columns to take of rare features as 'catalogue.rare_columns' of the survey"
        )
    return galaxies.join(votes, on="iauname")


def _keep(
    galaxies: pd.DataFrame, passes: pd.Series, cut: str, counts: list[dict[str, int | str]]
) -> pd.DataFrame:
    kept = galaxies[passes]
    counts.append({"cut": cut, "removed": len(galaxies) - len(kept), "left": len(kept)})
    return kept


def _write(
    galaxies: pd.DataFrame,
    steps: list[dict[str, int | str]],
    catalogue: str | Path,
    counts: str | Path,
) -> None:
    first = ["iauname", *(name for name in UNITS if name in galaxies)]
    rest = [name for name in galaxies if name not in first]
    write_json(steps, counts)
    write_parquet(galaxies[first + rest], catalogue, UNITS, ROW_GROUP)
