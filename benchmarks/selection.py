"""Time and memory of select_galaxies on tables of the real size, filled with random numbers.

Run ``.venv/bin/python benchmarks/selection.py``; it needs 6 GB of memory and 4 GB of disk. The
atlas has the wide columns that are not read, the automated table its lists of 25 concentrations.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ATLAS, AUTOMATED, VOLUNTEERS = 641_409, 313_789, 253_286
"""Rows of the real tables."""

SELECT = """
import resource, sys, time
from workflow.lib.catalogue.selection import select_atlas_galaxies
from workflow.lib.planning.config import read_config

config, folder = read_config([]), sys.argv[1]
survey, start = config["surveys"]["decals"], time.perf_counter()
select_atlas_galaxies(
    *(f"{folder}/{name}" for name in ("nsa.fits", "automated.parquet", "volunteers.parquet")),
    None, **config["nsa"], cuts=survey["cuts"], exclude=survey["exclude"],
    pixel_scale=config["cutouts"]["pixel_scale"],
    catalogue=f"{folder}/catalogue.parquet", counts=f"{folder}/counts.json",
)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{time.perf_counter() - start:.0f} s, {peak:.0f} MiB")
"""


def make_atlas(path: Path, names: np.ndarray, draw: np.random.Generator) -> None:
    """Write an atlas of 2.5 KB a row, of which six columns and one flux are read."""
    from astropy.io import fits

    rows = np.zeros(
        ATLAS,
        [("IAUNAME", "S19"), ("RA", ">f8"), ("DEC", ">f8"), ("PETRO_THETA", ">f4"),
         ("PETRO_TH50", ">f4"), ("PETRO_TH90", ">f4"), ("SERSIC_NMGY", ">f4", (7,)),
         ("PROFMEAN", ">f4", (7, 15)), ("PROFMEAN_IVAR", ">f4", (7, 15)), ("REST", ">f4", (400,))],
    )  # fmt: skip
    rows["IAUNAME"] = names
    rows["PETRO_THETA"] = draw.uniform(2.9, 20, ATLAS)
    rows["PETRO_TH50"], rows["PETRO_TH90"] = 2, 5
    rows["SERSIC_NMGY"] = 10 ** ((22.5 - draw.uniform(13.9, 18, ATLAS)) / 2.5)[:, None]
    fits.BinTableHDU(rows).writeto(path)


def make_votes(folder: Path, names: np.ndarray, draw: np.random.Generator) -> None:
    """Write automated fractions with their concentrations, and volunteers' votes."""
    from workflow.lib.planning.config import read_config

    questions = read_config([])["pretraining"]["questions"]
    answers = [f"{name}_{answer}" for name, known in questions.items() for answer in known]
    columns = {"iauname": pa.array(names[:AUTOMATED])}
    for answer in answers:
        columns[f"{answer}_fraction"] = pa.array(draw.random(AUTOMATED))
        lists = pa.array(draw.uniform(1, 100, 25 * AUTOMATED).round(4))
        edges = np.arange(0, len(lists) + 1, 25, dtype=np.int32)
        columns[f"{answer}_concentration"] = pa.ListArray.from_arrays(edges, lists)
    columns["wrong_size_warning"] = pa.array(draw.random(AUTOMATED) < 0.02)
    pq.write_table(pa.table(columns), folder / "automated.parquet")
    columns = {"iauname": pa.array(names[:VOLUNTEERS])}
    for name in [f"{question}_total-votes" for question in questions] + [
        f"{answer}{ending}" for answer in answers for ending in ("", "_fraction", "_debiased")
    ]:
        columns[name] = pa.array(draw.random(VOLUNTEERS))
    pq.write_table(pa.table(columns), folder / "volunteers.parquet")


def make(folder: Path) -> None:
    """Write all tables."""
    draw = np.random.default_rng(1)
    names = np.array([f"J{number:09d}" for number in range(ATLAS)])
    make_atlas(folder / "nsa.fits", names, draw)
    make_votes(folder, names, draw)


def main() -> None:
    """Make the tables, select from them, and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        # Each in a process of its own: a new process starts with the peak memory of its parent.
        subprocess.run([sys.executable, __file__, folder], check=True)
        subprocess.run([sys.executable, "-c", SELECT, folder], cwd=ROOT, check=True)


if __name__ == "__main__":
    make(Path(sys.argv[1])) if sys.argv[1:] else main()
