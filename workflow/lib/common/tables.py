"""Tables: CSV, Parquet and FITS are read, with nulls as missing; Parquet is written, with units."""

import csv
import gzip
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path

if TYPE_CHECKING:
    from astropy.io import fits

READABLE = ".csv, .csv.gz, .parquet, .fits, .fit, .fits.gz or .fits.fz"

BLANKS = ["", "NaN", "nan", "-NaN", "-nan", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null",
          "None", "--", "\\N"]  # fmt: skip
"""What stands for a missing number in a CSV, or for no tag."""


def read_table(
    path: str | Path,
    text: Collection[str] = (),
    columns: Collection[str] | None = None,
    missing: Sequence[float] = (),
    rows: int | None = None,
) -> pd.DataFrame:
    """Read a table in the format that the file name's ending says.

    Parameters
    ----------
    path
        A CSV (also gzipped), Parquet or FITS file (also compressed; in binary or ASCII). Upper or
        lower case of the ending does not matter.
    text
        Columns to read as text, not as numbers: `007` stays `007`, and `NA` stays `NA`. What is
        missing is empty.
    columns
        The columns wanted; all of them by default.
    missing
        Numbers that mean that there is no value, in columns that are not text.
    rows
        Read so many rows from the table's beginning; all by default.

    Returns
    -------
    pandas.DataFrame
        What the format marks as missing (a null, a masked value) is NaN, and a column with a
        missing value holds floats. Columns with several values in each row (such as
        SERSIC_NMGY) or with complex numbers are left out; ask for one of several values of a FITS
        column as `NAME[index]`.

    Raises
    ------
    UserError
        If the file is missing, is not in the format that its ending says, lacks a wanted column,
        or has rows that are longer than its header.
    """
    wanted = None if columns is None else list(columns)
    frame = _by_ending(path, lambda form, file: form.read(file, text, wanted, rows))
    for column in frame.columns.difference(list(text)) if len(missing) else ():
        if pd.api.types.is_numeric_dtype(frame[column]):
            frame[column] = frame[column].mask(frame[column].isin(missing))
    return _as_text(frame, text)


def column_names(path: str | Path) -> list[str]:
    """Name the columns of a table, without reading its rows; raise `UserError` as `read_table`."""
    return _by_ending(path, lambda form, file: form.names(file))


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
    return _as_text(_to_pandas(part, text), text)


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


def _by_ending(path: str | Path, use: Callable[["Format", Path], Any]) -> Any:
    """Use the format that the file's ending says; a `UserError` says why it cannot be read."""
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such table")
    name = path.name.lower()
    form = next((form for ending, form in FORMATS.items() if name.endswith(ending)), None)
    if form is None:
        raise UserError(f"{path}: the name of a table must end in {READABLE}")
    try:
        return use(form, path)
    except UserError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        ending = "".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else [path.suffix])
        raise UserError(f"{path}: not a readable {ending} table ({reason})") from error


def _as_text(frame: pd.DataFrame, text: Collection[str]) -> pd.DataFrame:
    for name in text:
        if name in frame:
            # As objects, since pandas would write an integer of a column with a gap as a float.
            values = frame[name].astype(object)
            frame[name] = values.where(values.notna(), "").map(str).str.strip()
    return frame


def _read_csv(
    path: Path, text: Collection[str], columns: list[str] | None, rows: int | None
) -> pd.DataFrame:
    header = _names_in_csv(path)
    need_columns(pd.DataFrame(columns=header), columns or (), path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        frame = pd.read_csv(
            path,
            compression=_packing(path),
            index_col=False,
            keep_default_na=False,
            dtype=dict.fromkeys(text, str),
            # Words such as NA are names in a column of names.
            na_values={name: BLANKS for name in header if name not in text},
            low_memory=False,
            nrows=rows,
        )
    if caught:  # without `index_col=False`, such rows would shift the columns by one
        with (gzip.open if _packing(path) else open)(path, "rt", encoding="utf-8-sig") as lines:
            _refuse_longer_rows(lines, path)
    return frame if columns is None else frame[columns]


def _names_in_csv(path: Path) -> list[str]:
    return list(pd.read_csv(path, compression=_packing(path), nrows=0, index_col=False))


def _packing(path: Path) -> str | None:
    return "gzip" if path.suffix.lower() == ".gz" else None


def _refuse_longer_rows(lines: Iterable[str], path: Path) -> None:
    """Raise a `UserError` if a row has values beyond the header's; commas alone do not count."""
    rows = csv.reader(lines)
    names = next(rows)
    for row in rows:
        if any(value.strip() for value in row[len(names) :]):
            raise UserError(
                f"{path}: line {rows.line_num} has {len(row)} values but the header has "
                f"{len(names)} names; put quotes around values with a comma, or name all columns"
            )


def _read_parquet(
    path: Path, text: Collection[str], columns: list[str] | None, rows: int | None
) -> pd.DataFrame:
    schema = pq.read_schema(path)
    need_columns(pd.DataFrame(columns=schema.names), columns or (), path)
    if columns is None:
        columns = [field.name for field in schema if not pa.types.is_nested(field.type)]
    if rows is None:
        return _to_pandas(pq.read_table(path, columns=columns), text)
    # A buffer, since a row group can be the whole table.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**16) as file:
        batches = file.iter_batches(rows, columns=columns) if rows else iter(())
        first = next(batches, None)
        empty = pa.schema([schema.field(name) for name in columns]).empty_table()
        return _to_pandas(empty if first is None else pa.Table.from_batches([first]), text)


def _names_in_parquet(path: Path) -> list[str]:
    return pq.read_schema(path).names


def _to_pandas(table: pa.Table, text: Collection[str]) -> pd.DataFrame:
    """Convert a table: an index that pandas has written is a column, and bytes are text."""
    for place, field in enumerate(table.schema):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        values = table.column(place).cast(kind)
        whole_number = pa.types.is_integer(kind) and field.name in text
        if whole_number or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            # Through text, since pandas makes floats of integers with a gap.
            values = values.cast(pa.large_string())
        table = table.set_column(place, field.name, values)
    return table.to_pandas(ignore_metadata=True)


@contextmanager
def _fits_table(path: Path) -> "Iterator[fits.BinTableHDU]":
    """Open the first table of a FITS file."""
    from astropy.io import fits

    plain = path.suffix.lower() in (".fits", ".fit")
    with fits.open(path, memmap=plain, logical_as_bytes=True) as hdus:
        tables = (fits.BinTableHDU, fits.TableHDU)
        hdu = next((hdu for hdu in hdus if isinstance(hdu, tables) and not hdu.is_image), None)
        if hdu is None:
            raise UserError(f"{path}: no table in this FITS file")
        if "ZTABLE" in hdu.header:
            raise UserError(f"{path}: a table compressed by fpack; unpack it with funpack first")
        yield hdu
        for column in hdu.columns:
            # Else astropy copies every column of the file into memory when it closes it.
            del column.array


def _names_in_fits(path: Path) -> list[str]:
    with _fits_table(path) as hdu:
        return list(hdu.columns.names)


def _read_fits(
    path: Path, text: Collection[str], columns: list[str] | None, rows: int | None
) -> pd.DataFrame:
    with _fits_table(path) as hdu:
        if rows is not None:
            hdu.data = hdu.data[:rows]
        names = hdu.columns.names
        wanted = columns if columns is not None else list(_single_columns(hdu))
        need_columns(pd.DataFrame(columns=names), [_base(name) for name in wanted], path)
        return pd.DataFrame(
            {name: _fits_column(hdu, name) for name in wanted}, index=range(len(hdu.data))
        )


def _base(name: str) -> str:
    return name.partition("[")[0]


def _single_columns(hdu: "fits.BinTableHDU") -> Iterator[str]:
    """Name the columns of a FITS table that have one number or text in each row."""
    for name in hdu.columns.names:
        values = hdu.data[name]
        if values.ndim == 1 and values.dtype.kind not in "cO":
            yield name


def _fits_column(hdu: "fits.BinTableHDU", name: str) -> np.ndarray:
    """Copy a FITS column into the machine's byte order, with its nulls as NaN or empty text."""
    base, _, index = name.partition("[")
    stored = np.asarray(hdu.data).view(np.ndarray)[base]
    values, null = hdu.data[base], hdu.columns[base].null
    if index:
        place = slice(None), int(index.rstrip("]"))
        if values.ndim < 2 or values.shape[1] <= place[1]:
            raise ValueError(f"column '{base}' has no value number {place[1]} in each row")
        values, stored = values[place], stored[place]
    if hdu.columns[base].format.endswith("L"):  # T, F, or a zero byte for a null
        true = stored == ord("T")
        return np.where(stored == 0, np.nan, true) if (stored == 0).any() else true
    if values.dtype.kind in "SU":
        return np.char.strip(np.asarray(values).astype(str)).astype(object)
    if values.dtype.kind == "c":
        raise ValueError(f"column '{name}' has complex numbers")
    unknown = np.zeros(len(values), bool)
    if stored.dtype.kind == "S":  # ASCII: the null is a text, and a blank field is one too
        stored = np.char.strip(stored.astype(str))
        unknown = (stored == "") | (stored == str(null).strip())
    elif null not in (None, ""):
        unknown = stored == int(null)
    if unknown.any():
        return np.where(unknown, np.nan, values.astype(np.float64))
    return np.array(values, dtype=values.dtype.newbyteorder("="))


class Format(NamedTuple):
    """How to read tables of one format."""

    read: Callable[[Path, Collection[str], list[str] | None, int | None], pd.DataFrame]
    """From a path, the columns that are text, those wanted and a number of rows, to the table."""
    names: Callable[[Path], list[str]]
    """From a path to the names of all columns."""


CSV = Format(_read_csv, _names_in_csv)
PARQUET = Format(_read_parquet, _names_in_parquet)
FITS = Format(_read_fits, _names_in_fits)

FORMATS = {
    ".csv": CSV,
    ".csv.gz": CSV,
    ".parquet": PARQUET,
    ".fits": FITS,
    ".fit": FITS,
    ".fits.gz": FITS,
    ".fit.gz": FITS,
    ".fits.fz": FITS,
}
"""The format of a table, by the ending of its name."""
