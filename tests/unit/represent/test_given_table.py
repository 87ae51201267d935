"""Tables of representations: what is taken, what is counted, and what is refused by name."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.lib.common.errors import UserError
from workflow.lib.represent.given_table import import_representation
from workflow.lib.represent.vector_files import (
    read_representation,
    representation_schema,
    representation_table,
)

IMAGED = ["J3", "J1", "J2", "J0"]


def survey(folder, names=IMAGED):
    """Write two cutout shards."""
    for shard, part in enumerate([names[:3], names[3:]]):
        pq.write_table(pa.table({"iauname": pa.array(part, pa.string())}), folder / f"{shard}.pq")
    return [folder / "0.pq", folder / "1.pq"]


def take(folder, frame, name="table.parquet", standardised=False, names=IMAGED):
    path = folder / name
    if isinstance(frame, pa.Table):
        pq.write_table(frame, path)
    elif name.endswith(".csv"):
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    made = folder / "representation.parquet", folder / "counts.json"
    import_representation(path, survey(folder, names), *made, standardised=standardised)
    return *read_representation(made[0]), json.loads(made[1].read_text())


def numbered(*names, **columns):
    values = {"iauname": names, "a": np.arange(len(names)), "b": np.ones(len(names)) / 2}
    return pd.DataFrame(values | columns)


@pytest.mark.parametrize("name", ["table.parquet", "table.csv"])
def test_rows_are_taken_in_the_survey_s_order_and_the_rest_is_counted(tmp_path, name):
    names, vectors, counts = take(tmp_path, numbered("J0", "J9", "J3", "J8", "J2"), name)
    assert names == ["J3", "J2", "J0"]
    np.testing.assert_array_equal(vectors, [[2, 0.5], [4, 0.5], [0, 0.5]])
    assert counts == {
        "galaxies": 4,
        "rows": 5,
        "rows without numbers": 0,
        "rows without a galaxy": 2,
        "galaxies without a row": 1,
        "represented": 3,
    }


def test_a_row_without_any_number_is_no_representation(tmp_path):
    """As of galaxies to which no ellipses can be fitted."""
    vectors = np.array([[1, 2], [np.nan, np.nan], [3, 4]], np.float32)
    table = representation_table(["J0", "J1", "J2"], vectors, representation_schema(2))
    names, found, counts = take(tmp_path, table)
    assert names == ["J2", "J0"]
    np.testing.assert_array_equal(found, [[3, 4], [1, 2]])
    assert (counts["rows without numbers"], counts["galaxies without a row"]) == (1, 2)


@given(data=st.data())
def test_any_table_of_numbers_gives_its_rows_as_they_are(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("given")
    imaged = data.draw(st.lists(st.integers(0, 20), min_size=4, unique=True))
    rows = data.draw(st.lists(st.integers(0, 20), min_size=1, unique=True))
    width = data.draw(st.integers(1, 3))
    listed = data.draw(st.booleans())
    numbers = st.floats(-(2.0**100), 2.0**100, width=32) | st.integers(-(2**20), 2**20)
    values = [[float(data.draw(numbers)) for _ in range(width)] for _ in rows]
    columns = {"x": values} if listed else dict(zip("xyz", zip(*values, strict=True), strict=False))
    table = pa.table({"iauname": [f"J{row}" for row in rows], **columns})
    names = [f"J{row}" for row in imaged]
    if not {*imaged} & {*rows}:
        with pytest.raises(UserError, match=f"none of its {len(rows)} galaxies"):
            take(folder, table, names=names)
        return
    found, vectors, counts = take(folder, table, names=names)
    assert found == [f"J{row}" for row in imaged if row in rows]
    expected = [values[rows.index(row)] for row in imaged if row in rows]
    np.testing.assert_array_equal(vectors, np.array(expected, np.float32))
    assert counts["represented"] + counts["galaxies without a row"] == len(imaged)
    assert counts["represented"] + counts["rows without a galaxy"] == len(rows)


def test_features_of_different_units_may_be_scaled(tmp_path):
    frame = numbered(*IMAGED, b=[1e6, 2e6, 3e6, 4e6])
    _, vectors, _ = take(tmp_path, frame, standardised=True)
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(vectors.std(axis=0), 1, atol=1e-6)
    with pytest.raises(UserError, match=r"table\.parquet: all 4 galaxies have the same features"):
        take(tmp_path, numbered(*IMAGED, a=[1] * 4), standardised=True)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (numbered("J7", "J8"), "none of its 2 galaxies, such as 'J7', .* such as 'J3'"),
        (numbered("J0", "J1", "J0"), "galaxy J0 is in it twice"),
        (numbered("J8", "J1", "J8"), "galaxy J8 is in it twice"),
        (numbered("J0", "J1", a=[1, np.inf]), "column 'a' is inf for galaxy J1, row 2 .1 such"),
        (numbered("J0", "J9", a=[1, np.nan]), "column 'a' is nan for galaxy J9, row 2"),
        (numbered("J0", "J1", b=[1e39, 1]), "column 'b' is inf for galaxy J0, row 1"),
        (numbered("J0", "J1", c=["S", "E"]), "column 'c' has no numbers but 'S'"),
        (numbered("J0", "J1", c=pd.to_datetime(["2020", "2021"])), "column 'c' has no numbers"),
        (numbered("J0", "J1", c=[[1.0, 2], [3.0]]), "column 'c' has lists of 1 to 2 numbers"),
        (numbered("J0", "J1", c=[["S"], ["E"]]), "column 'c' has no numbers but 'S'"),
        (numbered("J0", "J1", c=[[1.0], None]), "column 'c' has no numbers but"),
        (numbered(), "no rows"),
        (pd.DataFrame({"iauname": ["J0"]}), "no columns of numbers"),
        (pd.DataFrame({"name": ["J0"], "a": [1]}), "no column 'iauname'; it has name, a"),
    ],
)
def test_what_is_no_representation_is_refused_by_name(tmp_path, frame, message):
    with pytest.raises(UserError, match=rf"^{tmp_path}/table\.parquet: .*{message}") as caught:
        take(tmp_path, frame)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "representation.parquet").exists()
