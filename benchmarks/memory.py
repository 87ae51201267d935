"""Peak memory of stages, except umap, for 1,000 and 10,000 galaxies in one job: it must not grow.

Run ``.venv/bin/python benchmarks/memory.py``; it prints the two peaks and their ratio. Only the
growth of memory with the number of galaxies matters, so all images are the same small picture,
which takes little time.
"""

import os
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
import pandas as pd
from PIL import Image

COUNTS = (1_000, 10_000)

WATCH = """
import resource, subprocess, sys
subprocess.run([sys.executable, *sys.argv[1:]], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


class OnePicture:
    """An image source with the same picture for every galaxy."""

    needs = ()
    identity: dict = {}

    def __init__(self) -> None:
        pixels = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG")
        self.jpeg = buffer.getvalue()

    def read(self, galaxy: dict) -> bytes:
        """Give the picture."""
        return self.jpeg


def simulate_survey(folder: Path, galaxies: int) -> None:
    """Stage 0."""
    from workflow.lib.sources.sky.survey import simulate_survey

    tables = ["truth", "automated", "volunteers", "rare"]
    files = {name: folder / f"{name}.parquet" for name in tables}
    files |= {name: folder / f"{name}.csv" for name in ["tags", "solutions"]}
    simulate_survey(
        galaxies,
        1,
        merging_share=0.1,
        flux_column="NMGY",
        zero_point=22.5,
        spellings={},
        nsa=folder / "nsa.fits",
        **files,
    )


def select_galaxies(folder: Path, galaxies: int) -> None:
    """Stage 1, with no cuts."""
    from workflow.lib.catalogue.selection import select_atlas_galaxies

    select_atlas_galaxies(
        folder / "nsa.fits",
        folder / "automated.parquet",
        folder / "volunteers.parquet",
        folder / "rare.parquet",
        flux_column="NMGY",
        flux_index=4,
        zero_point=22.5,
        cuts={},
        exclude=[],
        pixel_scale={"per_th50": 0.04, "per_th90": 0.02, "minimum": 0.1},
        catalogue=folder / "decals.parquet",
        counts=folder / "counts.json",
    )


def write_shard(folder: Path, galaxies: int) -> None:
    """Stage 1: all galaxies in one shard."""
    from workflow.lib.catalogue.shards import write_shard

    write_shard(folder / "decals.parquet", folder / "0-of-1.csv")


def fetch_cutouts(folder: Path, galaxies: int) -> None:
    """Stage 2."""
    from workflow.lib.cutouts.shards import make_shard

    make_shard(
        folder / "0-of-1.csv",
        OnePicture(),
        folder / "0-of-1.parquet",
        folder / "failed.csv",
        thumbnail_size=128,
        network_size=96,
        network_field=1,
        colour={"scales": {"g": 1, "r": 1, "z": 1}},
        jpeg_quality=90,
        max_missing_share=1,
        max_failed_share=1,
        chunk=64,
    )


def embed_cutouts(folder: Path, galaxies: int) -> None:
    """Stages 3 and 4."""
    from workflow.lib.network.encoder import random_encoder, save_encoder
    from workflow.lib.represent.embed import embed_shard

    weights = folder / "encoder.weights.h5"
    save_encoder(random_encoder(64, 1), weights, label="", training=None, seed=1)
    embed_shard(
        folder / "0-of-1.parquet",
        weights,
        folder / "shard.parquet",
        crop_size=64,
        batch_size=128,
        seed=1,
        views=1,
    )


def gather_representation(folder: Path, galaxies: int) -> None:
    """Stage 4."""
    from workflow.lib.represent.vector_files import gather_shards

    gather_shards([folder / "shard.parquet"], folder / "representation.parquet")


def unpack_representation(folder: Path, galaxies: int) -> None:
    """Stage 4."""
    from workflow.lib.represent.vector_files import unpack_representation

    unpack_representation(folder / "representation.parquet", folder / "representation.npy")


def compress_representation(folder: Path, galaxies: int) -> None:
    """Stage 4."""
    from workflow.lib.represent.pca import compress

    compress(
        folder / "representation.parquet",
        40,
        512,
        compressed=folder / "pca40.parquet",
        variance=folder / "variance.csv",
        compressor=folder / "pca40.npz",
    )


def draw_representation(folder: Path, galaxies: int) -> None:
    """Stage 8, at random positions."""
    from workflow.lib.common.tables import read_table, write_parquet
    from workflow.lib.figures.canvas import Canvas
    from workflow.lib.figures.representation import draw_representation

    names = read_table(folder / "0-of-1.csv", text=["iauname"])["iauname"]
    x, y = np.random.default_rng(0).random((2, len(names)))
    positions = folder / "umap.parquet"
    write_parquet(pd.DataFrame({"iauname": names, "umap_x": x, "umap_y": y}), positions)
    files = [folder / f"figure.{ending}" for ending in ("pdf", "png", "csv")]
    canvas = Canvas(6.97, 150, [], *files, folder / "encoder.json")
    draw_representation(positions, [folder / "0-of-1.parquet"], canvas, grid=24, crop=0)


STAGES = [
    simulate_survey,
    select_galaxies,
    write_shard,
    fetch_cutouts,
    embed_cutouts,
    gather_representation,
    unpack_representation,
    compress_representation,
    draw_representation,
]


def peak_mib(stage: str, folder: str, galaxies: int) -> float:
    """Run one stage in a process of its own; give its peak resident memory [MiB]."""
    # getrusage reports the largest child so far, so each stage needs a parent process of its own.
    command = [sys.executable, "-c", WATCH, __file__, stage, folder, str(galaxies)]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def main() -> None:
    """Measure every stage at both counts, and print the table."""
    print(f"{'peak MiB':26}" + "".join(f"{count:>10,}" for count in COUNTS) + "     ratio")
    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as many:
        for stage in STAGES:
            peaks = [
                peak_mib(stage.__name__, folder, count)
                for folder, count in zip((few, many), COUNTS, strict=True)
            ]
            row = "".join(f"{peak:10.0f}" for peak in peaks)
            print(f"{stage.__name__:26}{row}{peaks[1] / peaks[0]:10.2f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        globals()[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
