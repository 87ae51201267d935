"""Whether anomalies lie together in the plane of Figure 4 (paper Sec. 3.3.1)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.common.files import write_text
from workflow.lib.common.joins import rows_of
from workflow.lib.common.tables import read_table
from workflow.lib.similarity.nearest import nearest


def measure_grouping(
    positions: Mapping[str, str | Path], candidates: str | Path, table: str | Path, *, first: int
) -> None:
    """Measure how many of the galaxies nearest to each anomaly in a plane are anomalies too.

    Parameters
    ----------
    positions
        For each method, Parquet with iauname, umap_x, umap_y.
    candidates
        By `candidates.select_candidates`.
    table
        CSV to write: method, iauname (of each anomaly), share (of anomalies among the galaxies
        nearest to it), chance (the share of anomalies among all others).
    first
        Number of nearest galaxies.

    Raises
    ------
    UserError
        If a candidate has no position.
    """
    galaxies = read_table(candidates, text=["iauname"])
    anomaly = galaxies["anomaly"].to_numpy()
    sought = np.flatnonzero(anomaly)
    frames = []
    for method, path in positions.items():
        placed = read_table(path, text=["iauname"])
        rows = rows_of(galaxies["iauname"], placed["iauname"], path)
        plane = placed[["umap_x", "umap_y"]].to_numpy(np.float32)[rows]
        found, _ = nearest(plane, plane[sought], first + 1, metric="euclidean")
        shares = [
            anomaly[near[near != one][:first]].mean()
            for one, near in zip(sought, found, strict=True)
        ]
        names = galaxies["iauname"].iloc[sought]
        chance = (len(sought) - 1) / (len(anomaly) - 1)
        frames.append(
            pd.DataFrame({"method": method, "iauname": names, "share": shares, "chance": chance})
        )
    write_text(pd.concat(frames).to_csv(index=False, float_format="%.5f"), table)
