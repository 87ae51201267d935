"""Tables to download as CSV, Parquet or VOTable, with units except in CSV; and a hunt's ratings."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow.app.ratings import Answer, History
from workflow.lib.anomaly.active_learning import HIGHEST
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


def ratings_csv(history: History) -> bytes:
    """Write all answers of a hunt as CSV; skipped galaxies have no rating."""
    answers = pd.DataFrame(history.answers, columns=Answer._fields)
    answers["rating"] = answers["rating"].astype("Int64")
    answers["batch"] += 1
    return answers.to_csv(index=False).encode()


def labels_csv(history: History) -> bytes:
    """Write the ratings of a hunt as labels: iauname, and label from 0 to 1.

    The workflow reads them as a label to fine-tune for, and as a column that decides which galaxies
    are anomalies, as docs/your-own-data.md says.
    """
    rated = [(answer.iauname, answer.rating / HIGHEST) for answer in history.rated]
    return pd.DataFrame(rated, columns=["iauname", "label"]).to_csv(index=False).encode()
