"""The catalogue: select galaxies from tables as large as the real ones, of random numbers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace as Case

import numpy as np

from benchmarks.contest import Table, call, contest, instead, ours

SIZES = {  # rows of the tables, after those published
    "full": {"atlas": 641_409, "automated": 313_789, "volunteers": 253_286},
    "small": {"atlas": 20_000, "automated": 10_000, "volunteers": 8_000},
    "tiny": {"atlas": 300, "automated": 200, "volunteers": 100},
}


def prepare(case: Case) -> None:
    """Write all tables."""
    draw = np.random.default_rng(1)
    names = np.array([f"J{number:09d}" for number in range(case.atlas)])
    _write_atlas(Path(case.folder, "nsa.fits"), names, draw)
    _write_votes(case, names, draw)


def _write_atlas(path: Path, names: np.ndarray, draw: np.random.Generator) -> None:
    """Write an atlas of 2.5 KB a row, of which six columns and one flux are read."""
    from astropy.io import fits

    rows = np.zeros(
        len(names),
        [("IAUNAME", "S19"), ("RA", ">f8"), ("DEC", ">f8"), ("PETRO_THETA", ">f4"),
         ("PETRO_TH50", ">f4"), ("PETRO_TH90", ">f4"), ("SERSIC_NMGY", ">f4", (7,)),
         ("PROFMEAN", ">f4", (7, 15)), ("PROFMEAN_IVAR", ">f4", (7, 15)), ("REST", ">f4", (400,))],
    )  # fmt: skip
    rows["IAUNAME"] = names
    rows["PETRO_THETA"] = draw.uniform(2.9, 20, len(names))
    rows["PETRO_TH50"], rows["PETRO_TH90"] = 2, 5
    rows["SERSIC_NMGY"] = 10 ** ((22.5 - draw.uniform(13.9, 18, len(names))) / 2.5)[:, None]
    fits.BinTableHDU(rows).writeto(path)


def _write_votes(case: Case, names: np.ndarray, draw: np.random.Generator) -> None:
    """Write automated fractions with lists of 25 concentrations, and volunteers' votes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from workflow.lib.planning.config import read_config

    questions = read_config([])["pretraining"]["questions"]
    answers = [f"{name}_{answer}" for name, known in questions.items() for answer in known]
    columns = {"iauname": pa.array(names[: case.automated])}
    for answer in answers:
        columns[f"{answer}_fraction"] = pa.array(draw.random(case.automated))
        lists = pa.array(draw.uniform(1, 100, 25 * case.automated).round(4))
        edges = np.arange(0, len(lists) + 1, 25, dtype=np.int32)
        columns[f"{answer}_concentration"] = pa.ListArray.from_arrays(edges, lists)
    columns["wrong_size_warning"] = pa.array(draw.random(case.automated) < 0.02)
    pq.write_table(pa.table(columns), f"{case.folder}/automated.parquet")
    columns = {"iauname": pa.array(names[: case.volunteers])}
    for name in [f"{question}_total-votes" for question in questions] + [
        f"{answer}{ending}" for answer in answers for ending in ("", "_fraction", "_debiased")
    ]:
        columns[name] = pa.array(draw.random(case.volunteers))
    pq.write_table(pa.table(columns), f"{case.folder}/volunteers.parquet")


def select(case: Case) -> Callable:
    """Select as stage 1 does."""
    from workflow.lib.catalogue.selection import select_atlas_galaxies
    from workflow.lib.planning.config import read_config

    config, folder = read_config([]), Path(case.folder)
    survey = config["surveys"]["decals"]
    tables = [folder / name for name in ("nsa.fits", "automated.parquet", "volunteers.parquet")]
    return lambda: select_atlas_galaxies(
        *tables, None, **config["nsa"], cuts=survey["cuts"], exclude=survey["exclude"],
        pixel_scale=config["cutouts"]["pixel_scale"],
        catalogue=folder / "catalogue.parquet", counts=folder / "counts.json",
    )  # fmt: skip


def whole_tables(case: Case) -> Callable:
    """Read all columns with Astropy and pandas, join and cut."""
    import pandas as pd
    from astropy.table import Table as AstropyTable

    def turn() -> None:
        atlas = AstropyTable.read(f"{case.folder}/nsa.fits")
        flat = atlas[[name for name in atlas.colnames if atlas[name].ndim == 1]].to_pandas()
        flat["iauname"] = np.asarray(atlas["IAUNAME"]).astype(str)
        flat["mag_r"] = 22.5 - 2.5 * np.log10(atlas["SERSIC_NMGY"][:, 4])
        for name in ("automated", "volunteers"):
            how = "inner" if name == "automated" else "left"
            votes = pd.read_parquet(f"{case.folder}/{name}.parquet")
            flat = flat.merge(votes, on="iauname", how=how, suffixes=("", f"_{name}"))
        kept = (flat["PETRO_THETA"] > 3) & flat["mag_r"].between(14, 17.77)
        flat[kept & ~flat["wrong_size_warning"]].to_parquet(f"{case.folder}/theirs.parquet")

    return turn


def run(folder: Path, size: dict, turns: int) -> Iterator[Table]:
    """Compare time and memory."""
    case = {"folder": str(folder), **size}
    call(prepare, case)
    yield contest(
        f"Select galaxies from an atlas of {size['atlas']:,}",
        [ours(select), instead(whole_tables)], case, turns, warm=False,
    )  # fmt: skip
