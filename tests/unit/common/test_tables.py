"""Tables: the same rows from every format, names that stay text, and errors."""

import gzip
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import (
    column_names,
    need_columns,
    read_rows,
    read_table,
    with_units,
    write_parquet,
)

IDS = ["007", "587732578312454276", "J1234-01"]
MAGNITUDES = [14.5, np.nan, 17.25]


def write(path):
    frame = pd.DataFrame({"id": IDS, "mag": MAGNITUDES})
    if ".csv" in path.name.lower():
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        write_parquet(frame, path)
    else:
        columns = [
            fits.Column("id", "20A", array=IDS),
            fits.Column("mag", "D", array=MAGNITUDES),
            fits.Column("flux", "7E", array=np.arange(21, dtype=np.float32).reshape(3, 7)),
        ]
        fits.BinTableHDU.from_columns(columns).writeto(path)
    return path


FORMATS = ["a.csv", "a.csv.gz", "a.parquet", "a.fits"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_rows(tmp_path, name):
    frame = read_table(write(tmp_path / name), text=["id"])
    assert list(frame) == ["id", "mag"]
    assert frame["id"].tolist() == IDS
    np.testing.assert_array_equal(frame["mag"], MAGNITUDES)


@pytest.mark.parametrize("name", FORMATS)
def test_only_the_chosen_columns_are_read(tmp_path, name):
    assert list(read_table(write(tmp_path / name), columns=["mag"])) == ["mag"]


@pytest.mark.parametrize("name", FORMATS)
def test_columns_are_named_without_reading_the_rows(tmp_path, name):
    assert column_names(write(tmp_path / name))[:2] == ["id", "mag"]
    with pytest.raises(UserError, match="no such table"):
        column_names(tmp_path / "none.csv")


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_column_is_named_with_the_file(tmp_path, name):
    path = write(tmp_path / name)
    with pytest.raises(UserError, match="no column 'dec'; it has id, mag") as caught:
        read_table(path, columns=["mag", "dec"])
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(UserError, match="no such table") as caught:
        read_table(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.parquet", "a.fits"])
@pytest.mark.parametrize("content", [b"", b"<!doctype html><html></html>", b"\x89PNG\r\n\x00"])
def test_a_file_in_another_format_than_its_ending_says_is_named(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}: not a readable ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"id,mag\n1,2\n1,2,3,4\n", b"\xff\xfe\x00\xd8"])
def test_a_broken_csv_is_named(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}: not a readable .csv table")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.parquet", "a.fits"])
def test_a_file_that_was_cut_short_is_refused(tmp_path, name):
    path = tmp_path / name
    rows = np.random.default_rng(0).normal(size=2000)
    if path.suffix == ".gz":
        pd.DataFrame({"mag": rows}).to_csv(path)
    elif path.suffix == ".parquet":
        write_parquet(pd.DataFrame({"mag": rows}), path)
    else:
        fits.BinTableHDU.from_columns([fits.Column("mag", "D", array=rows)]).writeto(path)
    path.write_bytes(path.read_bytes()[:-5760])
    with pytest.raises(UserError, match="not a readable"):
        read_table(path)


def test_an_unknown_ending_is_refused_and_the_known_ones_listed(tmp_path):
    path = tmp_path / "a.xlsx"
    path.touch()
    with pytest.raises(UserError, match=r"must end in \.csv, \.csv\.gz, .*\.fits\.fz"):
        read_table(path)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
def test_whole_numbers_as_names_keep_all_their_digits(tmp_path_factory, numbers):
    folder = tmp_path_factory.mktemp("ids")
    frame = pd.DataFrame({"id": np.array(numbers, np.int64)})
    frame.to_csv(folder / "a.csv", index=False)
    write_parquet(frame, folder / "a.parquet")
    fits.BinTableHDU.from_columns([fits.Column("id", "K", array=numbers)]).writeto(
        folder / "a.fits"
    )
    for ending in ["csv", "parquet", "fits"]:
        read = read_table(folder / f"a.{ending}", text=["id"])["id"].tolist()
        assert read == [str(number) for number in numbers]


def test_names_keep_leading_zeros_and_lose_surrounding_blanks(tmp_path):
    with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
        file.write("id,n\n 007 ,1\n1e5,2\n")
    assert read_table(tmp_path / "a.csv.gz", text=["id"])["id"].tolist() == ["007", "1e5"]


def test_one_of_several_values_in_a_row_is_read_by_its_index(tmp_path):
    frame = read_table(write(tmp_path / "a.fits"), columns=["flux[4]", "id"])
    assert frame["flux[4]"].tolist() == [4.0, 11.0, 18.0]
    assert frame["id"].tolist() == IDS


@pytest.mark.parametrize("column", ["flux[7]", "mag[0]", "flux[r]"])
def test_an_index_that_does_not_exist_is_refused(tmp_path, column):
    with pytest.raises(UserError, match="not a readable"):
        read_table(write(tmp_path / "a.fits"), columns=[column])


@pytest.mark.parametrize("format_", ["I", "J", "K", "E", "D", "L"])
def test_fits_columns_come_in_the_machines_byte_order(tmp_path, format_):
    fits.BinTableHDU.from_columns([fits.Column("a", format_, array=[1, 0, 1])]).writeto(
        tmp_path / "a.fits"
    )
    frame = read_table(tmp_path / "a.fits")
    assert frame["a"].dtype.isnative
    assert frame["a"].tolist() == [1, 0, 1]
    write_parquet(frame, tmp_path / "a.parquet")


def test_one_column_of_a_fits_table_is_read_without_the_others(tmp_path):
    """The atlas has two gigabytes, of which a catalogue needs a fiftieth."""
    path = tmp_path / "a.fits"
    wide = np.zeros((1000, 10_000), np.float32)
    write_fits(path, ("id", "K", {"array": range(1000)}), ("wide", "10000E", {"array": wide}))
    tracemalloc.start()
    read_table(path, columns=["id"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < wide.nbytes / 4


def test_a_fits_image_is_refused_as_a_table(tmp_path):
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(tmp_path / "a.fits")
    with pytest.raises(UserError, match="no table in this FITS file"):
        read_table(tmp_path / "a.fits")


def test_units_are_in_the_parquet_file(tmp_path):
    frame = pd.DataFrame({"iauname": ["a"], "ra": [1.0], "dec": [2.0]}, index=[7])
    write_parquet(frame, tmp_path / "a.parquet", units={"ra": "deg", "mag_r": "mag"})
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert schema.names == ["iauname", "ra", "dec"]
    assert schema.field("ra").metadata[b"unit"] == b"deg"
    assert b"unit" not in (schema.field("dec").metadata or {})


def test_units_leave_types_and_metadata_alone():
    schema = pa.schema([("ra", pa.float32())], metadata={"survey": "decals"})
    assert with_units(schema, {"ra": "deg"}).field("ra").type == pa.float32()
    assert with_units(schema, {"ra": "deg"}).metadata == schema.metadata


def test_row_groups_have_the_size_asked_for(tmp_path):
    write_parquet(pd.DataFrame({"a": range(10)}), tmp_path / "a.parquet", row_group_size=4)
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 3


def test_a_failing_write_leaves_the_old_table_and_nothing_else(tmp_path):
    path = tmp_path / "a.parquet"
    write_parquet(pd.DataFrame({"a": [1]}), path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_parquet(pa.table({"a": [2]}), path, row_group_size="many")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_every_missing_column_is_named():
    with pytest.raises(UserError, match=r"table: no column 'b', 'c'; it has a$"):
        need_columns(pd.DataFrame({"a": [1]}), ["a", "b", "c"], "table")


@given(st.data(), st.integers(1, 30), st.integers(1, 40))
def test_rows_are_the_same_whatever_the_row_groups(tmp_path_factory, data, rows, group):
    path = tmp_path_factory.mktemp("rows") / "a.parquet"
    frame = pd.DataFrame({"id": np.arange(rows), "mag": np.arange(rows) / 3, "other": 0})
    write_parquet(frame, path, row_group_size=group)
    start = data.draw(st.integers(0, rows - 1))
    stop = data.draw(st.integers(start + 1, rows))
    part = read_rows(path, slice(start, stop), text=["id"], columns=["id", "mag"])
    assert list(part) == ["id", "mag"]
    assert part["id"].tolist() == [str(row) for row in range(start, stop)]
    np.testing.assert_array_equal(part["mag"], frame["mag"][start:stop])


def test_rows_are_read_from_their_own_row_groups_alone(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    write_parquet(pd.DataFrame({"id": np.arange(100)}), path, row_group_size=10)
    read, whole = [], pq.ParquetFile.read_row_groups

    def note(self, groups, **options):
        read.extend(groups)
        return whole(self, groups, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", note)
    read_rows(path, slice(20, 41), text=[], columns=["id"])
    assert read == [2, 3, 4]


def write_fits(path, *columns, kind=fits.BinTableHDU):
    kind.from_columns([fits.Column(*c[:2], **c[2]) for c in columns]).writeto(path)
    return path


def fits_with_null_flags(path):
    """Logical values F, a null (a zero byte) and T, of which astropy writes no null itself."""
    write_fits(path, ("a", "L", {"array": [False, True, True]}))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"FTT", b"F\0T"))
    assert content != path.read_bytes()
    return path


def arrow(values, type_):
    return lambda path: pq.write_table(pa.table({"a": pa.array(values, type_)}), path)


NULLS = {
    "int.fits": lambda path: write_fits(path, ("a", "J", {"array": [0, -5, 1], "null": -5})),
    "byte.fits": lambda path: write_fits(path, ("a", "B", {"array": [0, 255, 1], "null": 255})),
    "long.fits": lambda path: write_fits(
        path, ("a", "K", {"array": [0, -(2**63), 1], "null": -(2**63)})
    ),
    "flag.fits": fits_with_null_flags,
    "ascii.fits": lambda path: write_fits(
        path, ("a", "I6", {"array": [0, -5, 1], "null": "-5"}), kind=fits.TableHDU
    ),
    "float.fits": lambda path: write_fits(path, ("a", "E", {"array": [0, np.nan, 1]})),
    "int.parquet": arrow([0, None, 1], pa.int64()),
    "flag.parquet": arrow([False, None, True], pa.bool_()),
    "few.parquet": arrow([0, None, 1], pa.dictionary(pa.int8(), pa.int64())),
    "blank.csv": lambda path: path.write_text("id,a\nx,0\ny,\nz,1\n"),
    "dashes.csv": lambda path: path.write_text("id,a\nx,0\ny,--\nz,1\n"),
    "word.csv": lambda path: path.write_text("id,a\nx,False\ny,null\nz,True\n"),
}


@pytest.mark.parametrize("name", NULLS)
def test_what_a_format_marks_as_missing_is_missing(tmp_path, name):
    NULLS[name](tmp_path / name)
    values = pd.to_numeric(read_table(tmp_path / name, columns=["a"])["a"])
    np.testing.assert_array_equal(values.astype(float), [0, np.nan, 1])


def test_a_null_in_a_column_of_several_values_is_missing(tmp_path):
    array = np.array([[1, 2], [3, -9]])
    write_fits(tmp_path / "a.fits", ("a", "2J", {"array": array, "null": -9}))
    assert read_table(tmp_path / "a.fits", columns=["a[0]"])["a[0]"].tolist() == [1, 3]
    np.testing.assert_array_equal(
        read_table(tmp_path / "a.fits", columns=["a[1]"])["a[1]"], [2, np.nan]
    )


def test_a_null_of_unsigned_numbers_is_missing(tmp_path):
    column = {"array": np.array([1, 2], np.int16), "bzero": 32768, "null": -32768}
    path = write_fits(tmp_path / "a.fits", ("a", "I", column))
    with fits.open(path, mode="update", do_not_scale_image_data=True) as hdus:
        np.asarray(hdus[1].data).view(np.ndarray)["a"][1] = -32768
    values = read_table(path)["a"]
    assert np.isnan(values[1])
    assert not np.isnan(values[0])


@pytest.mark.parametrize("name", FORMATS)
def test_declared_numbers_are_missing(tmp_path, name):
    frame = read_table(write(tmp_path / name), text=["id"], missing=[17.25, -99])
    np.testing.assert_array_equal(frame["mag"], [14.5, np.nan, np.nan])
    assert frame["id"].tolist() == IDS


WORDS = ["NA", "null", "N/A", "None", "nan"]


@pytest.mark.parametrize("name", FORMATS)
def test_words_for_nothing_are_names_in_a_column_of_names(tmp_path, name):
    path = tmp_path / name
    if ".csv" in name:
        pd.DataFrame({"id": WORDS}).to_csv(path, index=False)
    elif name.endswith(".parquet"):
        write_parquet(pd.DataFrame({"id": WORDS}), path)
    else:
        write_fits(path, ("id", "4A", {"array": WORDS}))
    assert read_table(path, text=["id"])["id"].tolist() == WORDS


def test_names_that_are_missing_are_empty_and_the_others_keep_their_digits(tmp_path):
    arrow([587732578312454276, None], pa.int64())(tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("a,b\n587732578312454276,1\n,2\n")
    for ending in ["parquet", "csv"]:
        names = read_table(tmp_path / f"a.{ending}", text=["a"])["a"].tolist()
        assert names == ["587732578312454276", ""]


@pytest.mark.parametrize(
    "content", ["id,a\nx,0,\ny,1,\n", "id,a\nx,0, ,\ny,1,,\n", '"id","a"\n"x",0,""\n"y",1,""\n']
)
def test_commas_at_the_end_of_rows_do_not_shift_the_columns(tmp_path, content):
    (tmp_path / "a.csv").write_text(content)
    frame = read_table(tmp_path / "a.csv", text=["id"])
    assert frame["id"].tolist() == ["x", "y"]
    assert frame["a"].tolist() == [0, 1]


@pytest.mark.parametrize("content", ["id,a\nx,0,7\ny,1,\n", "id,a\nx,0,\ny,1,7\n"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_rows_with_more_values_than_the_header_has_names_are_refused(tmp_path, content, name):
    opened = gzip.open if name.endswith("gz") else open
    with opened(tmp_path / name, "wt") as file:
        file.write(content)
    line = content.splitlines().index(next(row for row in content.splitlines() if "7" in row)) + 1
    with pytest.raises(UserError, match=rf"line {line} has 3 values but the header has 2"):
        read_table(tmp_path / name, text=["id"])


def test_an_index_that_pandas_has_written_is_a_column(tmp_path):
    frame = pd.DataFrame({"id": IDS, "mag": MAGNITUDES}).set_index("id")
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet", text=["id"])["id"].tolist() == IDS


@pytest.mark.parametrize("type_", [pa.binary(), pa.large_binary(), pa.string()])
@pytest.mark.parametrize("packed", [False, True])
def test_bytes_are_text(tmp_path, type_, packed):
    values = pa.array(["007", "x"]).cast(type_)
    table = pa.table({"a": values.dictionary_encode() if packed else values})
    pq.write_table(table, tmp_path / "a.parquet")
    for text in [["a"], []]:
        assert read_table(tmp_path / "a.parquet", text=text)["a"].tolist() == ["007", "x"]


def test_a_fits_table_in_ascii_is_read(tmp_path):
    path = tmp_path / "a.fits"
    columns = [("id", "A4", {"array": ["007", "x"]}), ("mag", "F8.3", {"array": [1.5, 2.25]})]
    write_fits(path, *columns, kind=fits.TableHDU)
    frame = read_table(path, text=["id"])
    assert frame["id"].tolist() == ["007", "x"]
    assert frame["mag"].tolist() == [1.5, 2.25]


def test_columns_of_lists_and_of_complex_numbers_are_left_out(tmp_path):
    arrow([[1], [2]], pa.list_(pa.int64()))(tmp_path / "a.parquet")
    assert list(read_table(tmp_path / "a.parquet")) == []
    write_fits(tmp_path / "a.fits", ("a", "C", {"array": [1j, 2]}), ("b", "J", {"array": [1, 2]}))
    assert list(read_table(tmp_path / "a.fits")) == ["b"]
    with pytest.raises(UserError, match="'a' has complex numbers"):
        read_table(tmp_path / "a.fits", columns=["a"])


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("a.csv", "A.CSV"),
        ("a.csv.gz", "A.Csv.GZ"),
        ("a.parquet", "A.PARQUET"),
        ("a.fits", "A.FITS"),
        ("a.fits", "a.fit"),
        ("b.fits.gz", "a.fits.gz"),
        ("b.fits.gz", "A.FIT.GZ"),
    ],
)
def test_endings_in_capitals_and_compressed_tables_are_read(tmp_path, written, name):
    write(tmp_path / written).rename(tmp_path / name)
    frame = read_table(tmp_path / name, text=["id"])
    assert frame["id"].tolist() == IDS
    np.testing.assert_array_equal(frame["mag"], MAGNITUDES)


def test_a_table_compressed_by_fpack_is_refused_with_what_to_do(tmp_path):
    hdu = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])])
    hdu.header["ZTABLE"] = True
    hdu.writeto(tmp_path / "a.fits.fz")
    with pytest.raises(UserError, match="funpack"):
        read_table(tmp_path / "a.fits.fz")
