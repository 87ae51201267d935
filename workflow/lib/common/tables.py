"""Tables: CSV, Parquet and FITS are read; Parquet is written, with units."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path

READABLE = ".csv, .csv.gz, .parquet or .fits"


def read_table(
    path: str | Path, text: Collection[str] = (), columns: Collection[str] | None = None
) -> pd.DataFrame:
    """Read a table in the format that the file name's ending says.

    Parameters
    ----------
    path
        A CSV (also gzipped), Parquet or FITS file.
    text
        Columns to read as text, not as numbers: `007` stays `007`.
    columns
        The columns wanted; all of them by default.

    Returns
    -------
    pandas.DataFrame
        FITS columns with several values in each row (such as SERSIC_NMGY) are left out; ask for
        one of the values as `NAME[index]`.

    Raises
    ------
    UserError
        If the file is missing, is not in the format that its ending says, or lacks a wanted column.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such table")
    readers = {".csv": _read_csv, ".parquet": _read_parquet, ".fits": _read_fits}
    ending = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if ending not in readers:
        raise UserError(f"{path}: the name of a table must end in {READABLE}")
    wanted = None if columns is None else list(columns)
    try:
        frame = readers[ending](path, text, wanted)
    except UserError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: not a readable {ending} table ({reason})") from error
    return _as_text(frame, text)


def read_rows(
    path: str | Path, rows: slice, text: Collection[str], columns: Collection[str]
) -> pd.DataFrame:
    """Read consecutive rows of a Parquet table, and no row groups but those that hold them.

    Parameters
    ----------
    path
        A Parquet file.
    rows
        Which rows, counted from 0; at least one.
    text, columns
        As for `read_table`.
    """
    with pq.ParquetFile(path) as file:
        groups = range(file.num_row_groups)
        ends = np.cumsum([file.metadata.row_group(group).num_rows for group in groups])
        first = int(np.searchsorted(ends, rows.start, side="right"))
        last = int(np.searchsorted(ends, rows.stop))
        table = file.read_row_groups(list(range(first, last + 1)), columns=list(columns))
    before = int(ends[first - 1]) if first else 0
    part = table.slice(rows.start - before, rows.stop - rows.start)
    return _as_text(part.to_pandas(), text)


def write_parquet(
    table: pd.DataFrame | pa.Table,
    path: str | Path,
    units: Mapping[str, str] | None = None,
    row_group_size: int | None = None,
) -> None:
    """Write a table as Parquet, atomically, with units in the fields' metadata.

    Parameters
    ----------
    table
        The rows; the index of a data frame is not kept.
    units
        The unit of each column that has one, such as ``{"ra": "deg"}``.
    row_group_size
        Number of rows in a row group; pyarrow's choice by default.
    """
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata()
    schema = with_units(table.schema, units or {})
    with atomic_path(path) as temporary:
        pq.write_table(table.cast(schema), temporary, row_group_size=row_group_size)


def with_units(schema: pa.Schema, units: Mapping[str, str]) -> pa.Schema:
    """Add ``{"unit": ...}`` to the metadata of each field of `schema` that is named in `units`."""
    return pa.schema(
        [
            field.with_metadata({"unit": units[field.name]}) if field.name in units else field
            for field in schema
        ],
        metadata=schema.metadata,
    )


def need_columns(frame: pd.DataFrame, columns: Collection[str], path: str | Path) -> None:
    """Raise a `UserError` that names the missing `columns` of `frame`, read from `path`."""
    missing = [name for name in columns if name not in frame]
    if missing:
        raise UserError(
            f"{path}: no column {', '.join(map(repr, missing))}; "
            f"it has {', '.join(map(str, frame.columns[:12]))}{' ...' * (frame.shape[1] > 12)}"
        )


def _as_text(frame: pd.DataFrame, text: Collection[str]) -> pd.DataFrame:
    for name in text:
        if name in frame:
            frame[name] = frame[name].map(str).str.strip()
    return frame


def _read_csv(path: Path, text: Collection[str], columns: list[str] | None) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype=dict.fromkeys(text, str), low_memory=False)
    return _chosen(frame, columns, path)


def _read_parquet(path: Path, text: Collection[str], columns: list[str] | None) -> pd.DataFrame:
    have = pq.read_schema(path).names
    need_columns(pd.DataFrame(columns=have), columns or (), path)
    return pq.read_table(path, columns=columns).to_pandas()


def _read_fits(path: Path, text: Collection[str], columns: list[str] | None) -> pd.DataFrame:
    from astropy.io import fits

    with fits.open(path, memmap=True) as hdus:
        rows = next((hdu.data for hdu in hdus if isinstance(hdu, fits.BinTableHDU)), None)
        if rows is None:
            raise UserError(f"{path}: no table in this FITS file")
        single = [name for name in rows.names if rows[name].ndim == 1]
        frame = pd.DataFrame(index=range(len(rows)))
        wanted = columns if columns is not None else single
        for name in wanted:
            base, _, index = name.partition("[")
            if base not in rows.names:
                need_columns(pd.DataFrame(columns=rows.names), [base], path)
            values = rows[base][:, int(index.rstrip("]"))] if index else rows[base]
            frame[name] = _native(values)
    return frame


def _native(values: np.ndarray) -> np.ndarray:
    """Copy a FITS column (big-endian, memory-mapped) into the machine's byte order."""
    if values.dtype.kind in "SU":
        return np.char.strip(np.asarray(values).astype(str)).astype(object)
    return np.array(values, dtype=values.dtype.newbyteorder("="))


def _chosen(frame: pd.DataFrame, columns: list[str] | None, path: Path) -> pd.DataFrame:
    need_columns(frame, columns or (), path)
    return frame if columns is None else frame[columns]
