"""PCA: compress a representation to the paper's three numbers of components."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace as Case

import numpy as np

from benchmarks.contest import Table, call, contest, instead, limit, ours

SIZES = {
    "full": {"galaxies": 305_657, "size": 1280},
    "small": {"galaxies": 10_000, "size": 1280},
    "tiny": {"galaxies": 300, "size": 64},
}

COMPONENTS, BATCH = [10, 15, 40], 4096


def prepare(case: Case) -> None:
    """Write a representation of falling variances."""
    import pyarrow.parquet as pq

    from workflow.lib.represent.vector_files import representation_schema, representation_table

    rng, schema = np.random.default_rng(1), representation_schema(case.size)
    scale = np.arange(1, case.size + 1, dtype=np.float32) ** -0.6
    with pq.ParquetWriter(f"{case.folder}/representation.parquet", schema) as writer:
        for start in range(0, case.galaxies, 1024):
            names = [f"g{row}" for row in range(start, min(start + 1024, case.galaxies))]
            vectors = rng.standard_normal((len(names), case.size), np.float32) * scale
            writer.write_table(representation_table(names, vectors, schema), row_group_size=1024)


def compress(case: Case) -> Callable:
    """Compress as stage 4 does."""
    from workflow.lib.represent.pca import compress as compress_to

    folder = Path(case.folder)

    def turn() -> None:
        for count in COMPONENTS:
            compress_to(
                folder / "representation.parquet", count, BATCH, folder / f"pca{count}.parquet",
                folder / f"pca{count}.csv", folder / f"pca{count}.npz",
            )  # fmt: skip

    return turn


def three_incremental_pcas(case: Case) -> Callable:
    """Read the file, and fit and apply scikit-learn's IncrementalPCA for each number."""
    import pyarrow.parquet as pq
    from sklearn.decomposition import IncrementalPCA

    def turn() -> None:
        column = pq.read_table(f"{case.folder}/representation.parquet")["representation"]
        vectors = column.combine_chunks().flatten().to_numpy().reshape(-1, case.size)
        for count in COMPONENTS:
            compressed = IncrementalPCA(count, batch_size=BATCH).fit_transform(vectors)
            np.save(f"{case.folder}/theirs{count}.npy", compressed.astype(np.float32))

    return turn


def read_once(case: Case) -> Callable:
    """Read the file once, in batches."""
    from workflow.lib.represent.vector_files import iter_representation

    def turn() -> None:
        for _, vectors in iter_representation(f"{case.folder}/representation.parquet", BATCH):
            vectors.max()

    return turn


def run(folder: Path, size: dict, turns: int) -> Iterator[Table]:
    """Compare all three numbers of components at once."""
    case = {"folder": str(folder), **size}
    call(prepare, case)
    yield contest(
        f"PCA of {size['galaxies']:,} x {size['size']} to {COMPONENTS} components",
        [ours(compress), instead(three_incremental_pcas), limit(read_once, 1 / 3)], case, turns,
        warm=False,
    )  # fmt: skip
