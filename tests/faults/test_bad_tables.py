"""Tables of galaxies with mistakes: each is one line that names the table, and no catalogue.

How each format says that a value is missing is in `tests/unit/common/test_tables.py`.
"""

import gzip
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table

from workflow.lib.catalogue.selection import select_table_galaxies
from workflow.lib.common.errors import UserError

SCALE = {"per_th50": 0.04, "per_th90": 0.02, "minimum": 0.1}


def galaxies(**columns):
    return pd.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "ra": [1.0, 2.0, 3.0, 4.0],
            "dec": [0.0, 1.0, 2.0, 3.0],
            "mag_r": [15.0, 16.0, 16.5, 17.0],
            "petro_th50": [2.0, 3.0, 4.0, 5.0],
            "petro_th90": [4.0, 6.0, 8.0, 10.0],
            "bar_fraction": [0.1, 0.2, 0.3, 0.4],
            "flag": [0, 1, 0, 0],
        }
        | columns
    )


def parquet(frame):
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def fits_of(hdu):
    buffer = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
    return buffer.getvalue()


FITS = fits_of(fits.BinTableHDU(Table.from_pandas(galaxies())))
PARQUET = parquet(galaxies())
CSV = galaxies().to_csv(index=False).encode()

FILES = {
    "another ending": ("a.xlsx", b"PK\x03\x04", "must end in .csv"),
    "no ending": ("a", CSV, "must end in .csv"),
    "nothing in a CSV": ("a.csv", b"", "not a readable .csv table"),
    "a header and no galaxy": ("a.csv", b"id,ra\n", "no galaxy"),
    "no header": ("a.csv", b"a,1\nb,2\n", "no column 'id'"),
    "semicolons": ("a.csv", b"id;ra\na;1\n", "no column 'id'"),
    "ID in capitals": ("a.csv", b"ID,ra\na,1\n", "no column 'id'"),
    "UTF-16": ("a.csv", "id,ra\na,1\n".encode("utf-16"), "not a readable .csv table"),
    "Latin-1": ("a.csv", "id,ra\nm\u00fcller,1\n".encode("latin-1"), "not a readable .csv"),
    "more values than names": ("a.csv", b"id,ra\na,1\nb,2,3\n", "in line 3, saw 3"),
    "a quote that never ends": ("a.csv", b'id,ra\n"a,1\nb,2\n', "not a readable .csv table"),
    "a CSV that says it is zipped": ("a.csv.gz", CSV, "not a readable .csv.gz table"),
    "half of a zipped CSV": ("a.csv.gz", gzip.compress(CSV)[:-20], "not a readable .csv.gz"),
    "a web page": ("a.fits", b"<html>404</html>", "not a readable .fits table"),
    "nothing in a FITS file": ("a.fits", b"", "not a readable .fits table"),
    "half of a FITS table": ("a.fits", FITS[:5800], "not a readable .fits table"),
    "an image": ("a.fits", fits_of(fits.ImageHDU(np.zeros((4, 4)))), "no table in this FITS"),
    "a FITS table without the id": (
        "a.fits", fits_of(fits.BinTableHDU(Table({"name": ["a"]}))), "no column 'id'",
    ),
    "a CSV called Parquet": ("a.parquet", CSV, "not a readable .parquet table"),
    "half of a Parquet table": ("a.parquet", PARQUET[: len(PARQUET) // 2], "not a readable"),
    "nothing in a Parquet table": ("a.parquet", b"", "not a readable .parquet table"),
    "lists of ids": ("a.parquet", parquet(galaxies(id=[["a"]] * 4)), "no column 'id'"),
}  # fmt: skip


def refusal(folder, table, **settings):
    """Make a catalogue, which must fail in one line and leave no file; return the line."""
    made = folder / "made"
    with pytest.raises(UserError) as caught:
        select_table_galaxies(
            table,
            catalogue=made / "catalogue.parquet",
            counts=made / "counts.json",
            **{"id_column": "id", "cuts": {}, "exclude": [], "pixel_scale": SCALE} | settings,
        )
    message = str(caught.value)
    assert message.startswith(f"{table}: ")
    assert message.isprintable()
    assert not made.exists()
    return message


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_such_table_is_refused(tmp_path, kind):
    name, content, words = FILES[kind]
    (tmp_path / name).write_bytes(content)
    assert words in refusal(tmp_path, tmp_path / name)


def test_a_table_that_is_missing_or_a_folder_is_refused(tmp_path):
    assert "no such table" in refusal(tmp_path, tmp_path / "a.csv")
    (tmp_path / "a.csv").mkdir()
    assert "not a readable .csv table" in refusal(tmp_path, tmp_path / "a.csv")


IDS = {
    "an empty id": (["a", "", "c", "d"], "no 'id' in row 2"),
    "a missing id": (["a", None, "c", "d"], "no 'id' in row 2"),
    "blanks for an id": (["a", "  ", "c", "d"], "no 'id' in row 2"),
    "a number that is missing": ([1, None, 3, 4], "no 'id' in row 2"),
    "an id twice": (["a", "b", "a", "d"], "a occurs more than once"),
    "an id twice, but for blanks": (["a", "b", " a ", "d"], "a occurs more than once"),
    "a number twice": ([1, 2, 2, 3], "2 occurs more than once"),
    "a line break": (["a", "b\nc", "d", "e"], r"'b\nc' has a character that cannot be printed"),
    "a NUL": (["a", "b\0c", "d", "e"], "cannot be printed"),
    "a code for the terminal": (["a", "b\x1b[31mc", "d", "e"], "cannot be printed"),
}


@pytest.mark.parametrize("kind", IDS)
def test_ids_that_name_no_galaxy_are_refused(tmp_path, kind):
    ids, words = IDS[kind]
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet(galaxies(id=ids)))
    assert words in refusal(tmp_path, path)


NIGHTS = pd.to_datetime(["2001-01-01"] * 4)
CUT = {"cuts": {"mag_r": {"below": 17.77}}}
VALUES = {
    "ra in hours, minutes and seconds": ({"ra": ["12:18:22.2"] * 4}, {}, "'ra' is not a number"),
    "dec of a sign": ({"dec": [0, 1, 2, -99]}, {}, "missing_values: [-99]"),
    "dec of another sign": ({"dec": [0, 1, 2, 999]}, {}, "missing_values: [999]"),
    "ra beyond the sky": ({"ra": [400.0, 500, 600, 4]}, {}, "'ra' is 400 for galaxy a"),
    "ra in dates": ({"ra": NIGHTS}, {}, "not a number but datetime64"),
    "a radius of a sign": ({"petro_th50": [2, 3, 4, -9999]}, {}, "missing_values: [-9999]"),
    "a radius of a large sign": ({"petro_th90": [4, 6, 8, 99999]}, {}, "missing_values: [99999]"),
    "radii of less than nothing": ({"petro_th50": [-2.5, -3.5, -4, 5]}, {}, "not at least 0"),
    "a cut of a column that is not there": ({}, {"cuts": {"mag_g": {"below": 1}}}, "'mag_g'"),
    "a cut of words": ({"mag_r": list("wxyz")}, CUT, "'mag_r' is not a number"),
    "a cut of dates": ({"mag_r": NIGHTS}, CUT, "not a number but datetime64"),
    "a cut that a sign passes": ({"mag_r": [-99, 15, 16, 17]}, CUT, "missing_values: [-99]"),
    "a cut that no galaxy passes": ({"mag_r": [18.0] * 4}, CUT, "no galaxy passes the cuts"),
    "a cut of missing values": ({"mag_r": [None] * 4}, CUT, "no galaxy passes the cuts"),
    "a cut that a large sign passes": (
        {"mag_r": [99, 15, 16, 17]}, {"cuts": {"mag_r": {"above": 14}}}, "missing_values: [99]",
    ),
    "a fraction in per cent": (
        {"bar_fraction": [10, 20, 30, 40]},
        {"cuts": {"bar_fraction": {"above": 0.5}}},
        "a fraction from 0 to 1",
    ),
    "a fraction of a sign": (
        {"bar_fraction": [-1, 0.2, 0.3, 0.4]},
        {"cuts": {"bar_fraction": {"above": 0.1}}},
        "missing_values: [-1]",
    ),
    "a flag that is not there": ({}, {"exclude": ["bad"]}, "no column 'bad'"),
    "a flag of a sign": ({"flag": [0, -1, 0, 1]}, {"exclude": ["flag"]}, "missing_values: [-1]"),
    "a flag of words": ({"flag": list("wxyz")}, {"exclude": ["flag"]}, "'flag' is not a number"),
    "flags of all": ({"flag": [1] * 4}, {"exclude": ["flag"]}, "no galaxy passes the cuts"),
    "an id column that is not there": ({}, {"id_column": "objid"}, "no column 'objid'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", VALUES)
def test_values_that_cannot_be_are_refused(tmp_path, kind):
    columns, settings, words = VALUES[kind]
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet(galaxies(**columns)))
    assert words in refusal(tmp_path, path, **settings)
