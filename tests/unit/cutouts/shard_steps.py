"""Make a shard with the settings of tests, and look at it."""

from pathlib import Path

import pandas as pd

from tests.own_images import CUTOUTS
from workflow.lib.cutouts.shards import make_shard

OPTIONS = CUTOUTS | {
    "thumbnail_size": 64,
    "network_size": 40,
    "network_field": 1,
    "max_failed_share": 0.5,
    "chunk": 4,
    "parallel": 1,
}


def key(number: int) -> str:
    """Give the key of a galaxy's faults in the service."""
    return f"{number:.7f}"


def make(shard_csv, source, out, **changes) -> tuple[Path, pd.DataFrame]:
    shard, failed = out.with_suffix(".parquet"), out.with_suffix(".failed.csv")
    make_shard(shard_csv, source, shard, failed, **OPTIONS | changes)
    return shard, pd.read_csv(failed, dtype=str)


def parts_of(shard: Path) -> list[str]:
    return sorted(
        path.name for path in shard.parent.glob(f"{shard.name}.parts-*/part-?????.parquet")
    )
