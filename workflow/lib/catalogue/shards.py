"""Shards: a catalogue cut into small tables of consecutive galaxies, one for each job."""

from pathlib import Path

import pyarrow.parquet as pq

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import write_text
from workflow.lib.common.tables import read_rows
from workflow.lib.planning.grid import parse_shard

SHARD_COLUMNS = ["iauname", "ra", "dec", "petro_th50", "petro_th90", "pixel_scale"]


def shard_rows(rows: int, index: int, count: int) -> slice:
    """Give the rows of shard `index` of `count`: consecutive; sizes differ by one row at most."""
    return slice(rows * index // count, rows * (index + 1) // count)


def write_shard(catalogue: str | Path, shard: str | Path) -> None:
    """Write one shard's galaxies as a CSV, in catalogue order.

    Parameters
    ----------
    catalogue
        The survey's catalogue (Parquet).
    shard
        The file to write, named ``{index}-of-{count}.csv``.

    Raises
    ------
    UserError
        If there are more shards than galaxies.
    """
    have = pq.read_schema(catalogue).names
    columns = [name for name in SHARD_COLUMNS if name in have]
    galaxies = pq.read_metadata(catalogue).num_rows
    index, count = parse_shard(Path(shard).stem)
    if count > galaxies:
        raise UserError(
            f"{catalogue}: {galaxies} galaxies are too few for {count} shards; "
            f"lower 'surveys.{Path(catalogue).stem}.shards'"
        )
    rows = shard_rows(galaxies, index, count)
    part = read_rows(catalogue, rows, text=["iauname"], columns=columns)
    write_text(part.to_csv(index=False), shard)
