"""Joins of two files by the galaxies' names: no galaxy is taken for another one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.common.checksums import hash_names, recorded_rows
from workflow.lib.common.errors import UserError, first_line


def rows_of(wanted: Sequence[str], iaunames: Sequence[str], path: str | Path) -> np.ndarray:
    """Find galaxies by name.

    Parameters
    ----------
    wanted
        The galaxies to find.
    iaunames
        Those of the file, in the order of its rows.
    path
        The file, for messages.

    Returns
    -------
    numpy.ndarray
        Shape (len(wanted),), int: the row of each.

    Raises
    ------
    UserError
        If one is not in the file, or a galaxy is in it twice.
    """
    index = pd.Index(iaunames, dtype=object)
    if not index.is_unique:
        raise UserError(f"{path}: galaxy {index[index.duplicated()][0]} is in it twice")
    rows = index.get_indexer(wanted)
    missing = np.flatnonzero(rows < 0)
    if len(missing):
        raise UserError(
            f"{path}: no galaxy {list(wanted)[missing[0]]} ({len(missing)} of {len(rows)} galaxies "
            "are missing), so it was made from other galaxies; delete it and run again"
        )
    return rows


def need_same(iaunames: Sequence[str], others: Sequence[str], path: str | Path) -> None:
    """Raise `UserError` if `path`, which has the galaxies `others`, has not exactly `iaunames`."""
    if list(iaunames) != list(others):
        raise UserError(f"{path}: made from other galaxies; delete it and run again")


def map_array(path: str | Path, iaunames: Sequence[str]) -> np.ndarray:
    """Map an array into memory, after checking that its rows are of these galaxies.

    Parameters
    ----------
    path
        NumPy file. It has no names: their hash is in its record, see `checksums`. A file without
        one must have the right number of rows.
    iaunames
        The galaxies, in order.

    Raises
    ------
    UserError
        If it is not a NumPy file, or is of other galaxies.
    """
    try:
        array = np.load(path, mmap_mode="r")
    except ValueError as error:
        raise UserError(f"{path}: not a readable array ({first_line(error)})") from error
    recorded = recorded_rows(path)
    if len(array) != len(iaunames) or recorded not in ("", hash_names(iaunames)):
        raise UserError(f"{path}: made from other galaxies; delete it and run again")
    return array
