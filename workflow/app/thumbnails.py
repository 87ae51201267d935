"""Pictures of a few galaxies out of a survey's shards, without going through all of them."""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workflow.lib.catalogue.shards import shard_rows
from workflow.lib.common.images import from_jpeg, to_jpeg
from workflow.lib.planning.grid import shard_names

QUALITY = 90
"""Of the pictures that the page shows."""


class Thumbnails:
    """The colour pictures of a survey's galaxies.

    A galaxy's place in the catalogue tells its shard, so that no index has to be made and kept.

    Parameters
    ----------
    folder
        Of the shards, by `shards.make_shard`.
    count
        How many shards there are.
    galaxies
        How many galaxies the catalogue has.
    """

    def __init__(self, folder: Path, count: int, galaxies: int) -> None:
        self.paths = [folder / f"{name}.parquet" for name in shard_names(count)]
        self.starts = [shard_rows(galaxies, index, count).start for index in range(count)]

    def read(self, galaxies: Sequence[tuple[int, str]]) -> dict[str, bytes]:
        """Read pictures.

        Parameters
        ----------
        galaxies
            Of each, its row in the catalogue and its iauname.

        Returns
        -------
        dict
            The JPEG of each galaxy that has one, by iauname.
        """
        by_shard: dict[Path, list[str]] = defaultdict(list)
        for row, iauname in galaxies:
            by_shard[self.paths[np.searchsorted(self.starts, row, side="right") - 1]].append(
                iauname
            )
        with ThreadPoolExecutor() as pool:
            found = pool.map(read_jpegs, by_shard.keys(), by_shard.values())
            return {iauname: jpeg for jpegs in found for iauname, jpeg in jpegs.items()}


def read_jpegs(shard: Path, iaunames: Sequence[str]) -> dict[str, bytes]:
    """Read the pictures of galaxies of one shard, and of it only the row groups that hold them."""
    with pq.ParquetFile(shard, memory_map=True) as file:
        names = file.read(columns=["iauname"])["iauname"]
        rows = pc.index_in(pa.array(iaunames, names.type), names).drop_null().to_numpy()
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        ends = np.cumsum(sizes)
        groups = np.searchsorted(ends, rows, side="right")
        found = {}
        for group in np.unique(groups):
            jpegs = file.read_row_group(group, columns=["thumbnail"])["thumbnail"]
            for row in rows[groups == group]:
                found[names[row].as_py()] = jpegs[row - ends[group] + sizes[group]].as_py()
        return found


def middle(thumbnail: bytes, cut: int) -> bytes:
    """Cut `cut` pixels off each side of a JPEG, as Figure 2 does: a sixth of the bytes is left."""
    pixels = from_jpeg(thumbnail)
    inner = slice(cut, len(pixels) - cut)
    return to_jpeg(pixels[inner, inner], QUALITY)
