"""Tables to download as CSV, Parquet or VOTable; with units, except in CSV."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow.lib.common.tables import with_units

Units = Mapping[str, str]
"""The unit of each column that has one."""


class Format(NamedTuple):
    """A file format."""

    label: str
    ending: str
    mime: str
    write: Callable[[pd.DataFrame, Units], bytes]


def to_csv(table: pd.DataFrame, units: Units) -> bytes:
    """Write a table as CSV, which cannot hold units."""
    return table.to_csv(index=False).encode()


def to_parquet(table: pd.DataFrame, units: Units) -> bytes:
    """Write a table as Parquet, with units in the fields' metadata."""
    rows = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata()
    buffer = BytesIO()
    pq.write_table(rows.cast(with_units(rows.schema, units)), buffer)
    return buffer.getvalue()


def to_votable(table: pd.DataFrame, units: Units) -> bytes:
    """Write a table as VOTable, which TOPCAT and Aladin can read."""
    from astropy.table import Table

    known = {name: unit for name, unit in units.items() if name in table and unit}
    rows = Table.from_pandas(table, units=known)
    buffer = BytesIO()
    rows.write(buffer, format="votable")
    return buffer.getvalue()


FORMATS = (
    Format("CSV", ".csv", "text/csv", to_csv),
    Format("Parquet", ".parquet", "application/vnd.apache.parquet", to_parquet),
    Format("VOTable", ".vot", "application/x-votable+xml", to_votable),
)
