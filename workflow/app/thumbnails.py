"""Read the pictures of a few galaxies from a survey's shards, without reading every shard."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workflow.lib.catalogue.shards import shard_rows
from workflow.lib.common.errors import UserError
from workflow.lib.common.images import from_jpeg, to_jpeg
from workflow.lib.planning.grid import shard_names

QUALITY = 90
"""JPEG quality of the pictures on the page."""


class Thumbnails:
    """The colour pictures of a survey's galaxies.

    A galaxy's row in the catalogue determines its shard, so no index is needed.

    Parameters
    ----------
    folder
        The folder of the shards, written by `cutouts.shards.make_shard`.
    count
        Number of shards.
    galaxies
        Number of galaxies in the catalogue.
    """

    def __init__(self, folder: Path, count: int, galaxies: int) -> None:
        self.paths = [folder / f"{name}.parquet" for name in shard_names(count)]
        self.starts = [shard_rows(galaxies, index, count).start for index in range(count)]

    def read(self, galaxies: Sequence[tuple[int, str]]) -> dict[str, bytes]:
        """Read pictures.

        Parameters
        ----------
        galaxies
            For each, its row in the catalogue and its iauname.

        Returns
        -------
        dict
            The JPEG of each galaxy that has one, by iauname.

        Raises
        ------
        UserError
            If a shard cannot be read, as while the workflow makes it again.
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
    """Read pictures from one shard, but only the row groups that contain them."""
    with reading(shard), pq.ParquetFile(shard, memory_map=True) as file:
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


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in a `UserError` that a file of the workflow cannot be read at present."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{path}: cannot be read; if the workflow is making it again, reload this page later, "
            "otherwise rerun the workflow"
        ) from error


def middle(thumbnail: bytes, cut: int) -> bytes:
    """Crop a JPEG by `cut` pixels on each side, as in Figure 2: a sixth of the bytes is left."""
    pixels = from_jpeg(thumbnail)
    inner = slice(cut, len(pixels) - cut)
    return to_jpeg(pixels[inner, inner], QUALITY)
