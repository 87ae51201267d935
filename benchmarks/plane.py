"""The plane of Figure 1: umap of 15 components."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace as Case

import numpy as np

from benchmarks.contest import Table, call, contest, instead, ours

SIZES = {"full": 305_657, "small": 5_000, "tiny": 300}


def prepare(case: Case) -> None:
    """Draw components of falling variances, and names."""
    scale = np.arange(1, 16, dtype=np.float32) ** -0.6
    vectors = np.random.default_rng(1).standard_normal((case.galaxies, 15), np.float32) * scale
    np.save(f"{case.folder}/vectors.npy", vectors)
    names = [f"g{row}" for row in range(case.galaxies)]
    Path(case.folder, "names.csv").write_text("\n".join(["iauname", *names, ""]))


def repeatable_umap(case: Case) -> Callable:
    """Place galaxies as stage 4 does: the same each time, in one thread."""
    from workflow.lib.represent.umap_plane import place_ellipses

    folder = Path(case.folder)
    return lambda: place_ellipses(
        folder / "vectors.npy", folder / "names.csv", folder / "positions.parquet",
        n_neighbors=15, min_dist=0.1, seed=1,
    )  # fmt: skip


def umap_defaults(case: Case) -> Callable:
    """Call umap-learn with its defaults: in all threads, different each time."""
    from umap import UMAP

    vectors = np.load(f"{case.folder}/vectors.npy")
    return lambda: np.save(f"{case.folder}/theirs.npy", UMAP().fit_transform(vectors))


def run(folder: Path, size: int, turns: int) -> Iterator[Table]:
    """Compare one turn each: the full size takes long."""
    case = {"folder": str(folder), "galaxies": size}
    call(prepare, case)
    yield contest(
        f"umap of {size:,} x 15", [ours(repeatable_umap), instead(umap_defaults)], case, 1,
        items=size, unit="galaxies", warm=False,
    )  # fmt: skip
