"""Joins: a galaxy is found by its name, or the files do not belong together."""

import numpy as np
import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path
from workflow.lib.common.joins import map_array, need_same, rows_of

NAMES = ["J3", "J1", "J2"]


def test_galaxies_are_found_by_name_in_the_order_asked_for():
    assert rows_of(["J2", "J3", "J2"], NAMES, "a.parquet").tolist() == [2, 0, 2]
    assert rows_of([], NAMES, "a.parquet").tolist() == []


@pytest.mark.parametrize(
    ("wanted", "names", "message"),
    [
        (["J1", "J9"], NAMES, r"a\.parquet: no galaxy J9 \(1 of 2 galaxies are missing\)"),
        (["J1"], [*NAMES, "J1"], r"a\.parquet: galaxy J1 is in it twice"),
    ],
)
def test_a_galaxy_that_is_missing_or_listed_twice_is_named(wanted, names, message):
    with pytest.raises(UserError, match=message):
        rows_of(wanted, names, "a.parquet")


def test_tables_of_other_galaxies_or_another_order_are_refused():
    need_same(NAMES, tuple(NAMES), "a.parquet")
    for others in (NAMES[::-1], NAMES[:2], []):
        with pytest.raises(UserError, match=r"a\.parquet: made from other galaxies; delete it"):
            need_same(NAMES, others, "a.parquet")


def test_an_array_knows_its_galaxies_though_it_has_no_names(tmp_path):
    path, names = tmp_path / "6_anomaly/gz2-odd/cnn.npy", []
    with atomic_path(path, rows=names) as temporary:
        np.save(temporary, np.arange(6).reshape(3, 2))
        names += NAMES  # a writer may learn them as it goes
    assert map_array(path, NAMES).tolist() == [[0, 1], [2, 3], [4, 5]]
    for others in (NAMES[::-1], NAMES[:2]):
        with pytest.raises(UserError, match=r"cnn\.npy: made from other galaxies"):
            map_array(path, others)


def test_an_array_without_a_record_must_have_as_many_rows(tmp_path):
    np.save(tmp_path / "cnn.npy", np.zeros((3, 2)))
    assert map_array(tmp_path / "cnn.npy", NAMES).shape == (3, 2)
    with pytest.raises(UserError, match=r"cnn\.npy: made from other galaxies"):
        map_array(tmp_path / "cnn.npy", NAMES[:2])
    (tmp_path / "cnn.npy").write_bytes((tmp_path / "cnn.npy").read_bytes()[:130])
    with pytest.raises(UserError, match=r"cnn\.npy: not a readable array"):
        map_array(tmp_path / "cnn.npy", NAMES)
