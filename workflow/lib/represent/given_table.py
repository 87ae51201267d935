"""Representations that the user gives as a table, from any network or catalogue of features."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path, write_json
from workflow.lib.common.joins import rows_of
from workflow.lib.common.tables import column_names, read_table
from workflow.lib.represent.standardise import standardise
from workflow.lib.represent.vector_files import (
    ROW_GROUP,
    read_names,
    representation_schema,
    representation_table,
)

log = logging.getLogger(__name__)

NUMBERS = "biuf"
"""Kinds of NumPy types that a number of a representation may have: also 0 and 1, false and true."""


def import_representation(
    table: str | Path,
    cutouts: Sequence[str | Path],
    representation: str | Path,
    counts: str | Path,
    *,
    standardised: bool,
) -> None:
    """Write the representations of a table as those of an encoder are written.

    Parameters
    ----------
    table
        By `read_given`: its rows in any order, also of other galaxies.
    cutouts
        The survey's cutout shards. Only galaxies with an image are taken, in their order.
    representation
        Parquet to write: iauname and representation (float32), without galaxies that have no row.
    counts
        JSON to write: the galaxies of the survey and the rows of the table, how many of either have
        no counterpart, and how many galaxies are left.
    standardised
        Whether to scale each number to mean 0 and variance 1.

    Raises
    ------
    UserError
        As `read_given`, or if no galaxy of the survey is in the table.
    """
    iaunames = [name for shard in cutouts for name in read_names(shard)]
    names, vectors = read_given(table)
    taken = np.isfinite(vectors).all(axis=1)
    known = set(np.array(names, object)[taken])
    found = [name for name in iaunames if name in known]
    if not found:
        raise UserError(
            f"{table}: none of its {len(names)} galaxies, such as '{names[0]}', has an image in "
            f"this survey, which has galaxies such as '{iaunames[0]}'"
        )
    chosen = vectors[rows_of(found, names, table)]
    summary = {
        "galaxies": len(iaunames),
        "rows": len(names),
        "rows without numbers": int((~taken).sum()),
        "rows without a galaxy": int(taken.sum()) - len(found),
        "galaxies without a row": len(iaunames) - len(found),
        "represented": len(found),
    }
    log.info("%s: %s", table, ", ".join(f"{name} {count}" for name, count in summary.items()))
    if standardised:
        try:
            chosen = standardise(chosen)
        except UserError as error:
            raise UserError(f"{table}: {error}") from error
    rows = representation_table(found, chosen, representation_schema(chosen.shape[1]))
    with atomic_path(representation) as temporary:
        pq.write_table(rows, temporary, row_group_size=ROW_GROUP)
    write_json(summary, counts)


def read_given(table: str | Path, rows: int | None = None) -> tuple[list[str], np.ndarray]:
    """Read a table of representations.

    Parameters
    ----------
    table
        A CSV, Parquet or FITS file. The column iauname has names; all others have numbers, or in
        Parquet lists of as many numbers in each row.
    rows
        Read so many rows from the table's beginning; all by default.

    Returns
    -------
    iaunames : list of str
        The n rows.
    vectors : numpy.ndarray
        Shape (n, d), float32, in the order of the columns. A row without any number is NaN.

    Raises
    ------
    UserError
        If there are no rows or no numbers, a galaxy is in the table twice, a column has no numbers,
        or a number is missing or not finite.
    """
    columns = column_names(table)
    wanted = dict.fromkeys(["iauname", *columns])
    frame = read_table(table, text=["iauname"], columns=wanted, rows=rows)
    names = frame.pop("iauname").tolist()
    if not names or frame.empty:
        raise UserError(f"{table}: no rows, or no columns of numbers beside 'iauname'")
    rows_of([], names, table)  # no galaxy twice
    parts = {name: _numbers(frame.pop(name), table) for name in list(frame)}
    vectors = np.concatenate([*parts.values()], axis=1)
    wrong = ~np.isfinite(vectors)
    wrong[np.isnan(vectors).all(axis=1)] = False
    if wrong.any():
        row, place = np.argwhere(wrong)[0]
        ends = np.cumsum([part.shape[1] for part in parts.values()])
        column = list(parts)[np.searchsorted(ends, place, side="right")]
        count = int(wrong.any(axis=1).sum())
        raise UserError(
            f"{table}: column '{column}' is {vectors[row, place]} for galaxy {names[row]}, row "
            f"{row + 1} ({count} such rows), not a finite number; mend these rows or leave them out"
        )
    return names, vectors


def _numbers(column: pd.Series, table: str | Path) -> np.ndarray:
    """Give the numbers of a column, shape (n, 1), or those of its lists, (n, length), float32."""
    values = column.to_numpy()
    if values.dtype == object and all(isinstance(value, np.ndarray) for value in values):
        lengths = {len(value) for value in values}
        if len(lengths) > 1:
            raise UserError(
                f"{table}: column '{column.name}' has lists of {min(lengths)} to {max(lengths)} "
                "numbers; each row must have as many"
            )
        values = np.stack(values)
    if values.dtype.kind not in NUMBERS:
        raise UserError(
            f"{table}: column '{column.name}' has no numbers but {_example(values)}; a table of "
            "representations has 'iauname' and numbers, so leave it out"
        )
    with np.errstate(over="ignore"):  # too large a number becomes infinite, which is refused
        return values.reshape(len(values), -1).astype(np.float32)


def _example(values: np.ndarray) -> str:
    """Give the first value that is not a number."""
    flat = values.ravel()
    return repr(next((one for one in flat if isinstance(one, str)), flat[0]))
