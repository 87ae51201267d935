"""A column of a real table that is missing, renamed or of another type is named before any job."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.unit.preflight.conftest import FILES, JOBS, PAPER, RING, job, real_tables, write
from workflow.lib.planning.config import merged
from workflow.lib.preflight.check import Machine, check
from workflow.lib.pretrain.votes import answer_columns

READ = [
    ("nsa", "IAUNAME", "survey 'decals'"),
    ("nsa", "PETRO_THETA", "survey 'decals'"),
    ("nsa", "PETRO_TH90", "survey 'decals'"),
    ("automated", "iauname", "survey 'decals'"),
    ("automated", "wrong_size_warning", "survey 'decals'"),
    ("automated", "has-spiral-arms_yes_fraction", "sample 'spiral' of 'umap'"),
    ("volunteers", "iauname", "survey 'decals'"),
    ("volunteers", "bulge-size_small", "pretraining 'all'"),
    ("volunteers", "merging_merger_fraction", "task 'decals-merger'"),
    ("rare_features", "iauname", "survey 'decals'"),
    ("rare_features", RING, "survey 'decals'"),
    ("gz2", "GalaxyID", "survey 'gz2'"),
    ("gz2", "Class6.1", "task 'gz2-odd'"),
    ("gz2", "Class8.3", "tag 'disturbed'"),
    ("tags", "iauname", "tags of survey 'decals'"),
    ("tags", "tag", "tags of survey 'decals'"),
]
"""Columns of the real tables, and what needs them."""

ANSWERS = answer_columns(PAPER["pretraining"]["questions"])


def lines_of(paper, frames=None):
    write(real_tables() | (frames or {}), paper_folder(paper))
    return check(JOBS, paper, Machine())


def paper_folder(paper):
    return Path(paper["pathvars"]["downloads"])


def test_nothing_is_said_of_good_tables(paper):
    assert lines_of(paper) == []


@pytest.mark.parametrize(("table", "column", "user"), READ)
def test_a_missing_column_is_named(paper, table, column, user):
    (line,) = lines_of(paper, {table: real_tables()[table].drop(columns=column)})
    assert line.startswith(f"data/{FILES[table]}: no column '{column}'")
    assert line.endswith(f"(needed by {user})")


@pytest.mark.parametrize(("table", "column", "user"), READ)
def test_a_renamed_column_is_named_with_its_new_name(paper, table, column, user):
    new = f"{column.upper() if column.islower() else column}_2"
    frame = real_tables()[table].rename(columns={column: new})
    (line,) = lines_of(paper, {table: frame})
    assert line.startswith(f"data/{FILES[table]}: no column '{column}' (it has '{new}')")
    assert line.endswith(f"(needed by {user})")


# The galaxies of a table without an atlas may have names or numbers.
@pytest.mark.parametrize(("table", "column", "user"), [one for one in READ if one[1] != "GalaxyID"])
def test_a_column_of_another_type_is_named(paper, table, column, user):
    frame = real_tables()[table]
    names = column.lower() in ("iauname", "tag")
    (line,) = lines_of(paper, {table: frame.assign(**{column: 7 if names else "none of these"})})
    assert line.startswith(f"data/{FILES[table]}: column '{column}' is ")
    assert ("int64, not names" if names else "not a number") in line
    assert line.endswith(f"(needed by {user})")


def test_a_flux_that_is_no_array_is_named(paper):
    (line,) = lines_of(paper, {"nsa": real_tables()["nsa"].assign(SERSIC_NMGY=1.0)})
    assert line.startswith("data/nsa_v1_0_1.fits: ")
    assert "column 'SERSIC_NMGY' has no value number 4 in each row" in line


def test_a_list_in_each_row_is_named(paper):
    lists = [np.arange(25.0)] * len(real_tables()["volunteers"])
    frame = real_tables()["volunteers"].assign(bar_strong=lists)
    (line,) = lines_of(paper, {"volunteers": frame})
    assert "column 'bar_strong' has several values in each row" in line


def test_a_file_that_is_no_table_is_named(paper):
    write(real_tables(), paper_folder(paper))
    for name in ("nsa", "automated", "tags"):
        (paper_folder(paper) / FILES[name]).write_bytes(b"\x00 not a table")
    lines = check(JOBS, paper, Machine())
    for name in ("nsa", "automated", "tags"):
        assert any(line.startswith(f"data/{FILES[name]}: ") for line in lines), lines


def test_all_problems_are_named_at_once(paper):
    frames = real_tables()
    damaged = {
        "nsa": frames["nsa"].drop(columns=["RA", "DEC"]),
        "volunteers": frames["volunteers"].drop(columns=ANSWERS),
        "gz2": frames["gz2"].assign(**{"Class6.1": "odd"}),
    }
    lines = lines_of(paper, damaged)
    assert [line.partition(":")[0] for line in lines] == [
        f"data/{FILES[name]}" for name in ("nsa", "volunteers", "gz2")
    ]
    assert "no column 'RA', 'DEC' (needed by survey 'decals')" in lines[0]
    assert "'smooth-or-featured_artifact'" in lines[1]
    assert "and 30 more (needed by pretraining 'all')" in lines[1]


def test_votes_that_were_never_released_are_named_before_there_is_any_table(paper):
    lines = check([job("select_candidates", task="decals-irregular"), JOBS[0]], paper, Machine())
    (line,) = [line for line in lines if not line.startswith("note: ")]
    assert line.startswith("config: task 'decals-irregular' needs 'rare-features_irregular_fract")


def test_a_finished_catalogue_is_checked_for_what_later_jobs_read(paper):
    catalogue = paper_folder(paper).parent / "results/1_catalogue/gz2.parquet"
    catalogue.parent.mkdir(parents=True)
    frame = real_tables()["gz2"].rename(columns={"GalaxyID": "iauname", "Class6.1": "odd"})
    frame.to_parquet(catalogue)
    (line,) = check([job("select_candidates", task="gz2-odd")], paper, Machine())
    assert line.startswith("results/1_catalogue/gz2.parquet: no column 'Class6.1'")


def test_the_legacy_survey_needs_radii_of_a_table_too(paper):
    change = {"surveys": {"gz2": {"images": {"source": "legacysurvey"}}}}
    changed = merged(paper, change)
    lines = lines_of(changed)
    assert len(lines) == 1
    assert "no column 'ra', 'dec', 'petro_th50', 'petro_th90'" in lines[0]
    frames = real_tables()
    radii = {"RA": 1.0, "Dec": 2.0, "petro_TH50": 2.0, "petro_th90": 5.0}
    assert lines_of(changed, {"gz2": frames["gz2"].assign(**radii)}) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, None),
        ({"iauname": ["J1", "J1"]}, "galaxy J1 is in it twice"),
        ({"kind": ["S", "E"]}, "column 'kind' has no numbers but 'S'"),
        ({"a": [1.0, np.inf]}, "column 'a' is inf for galaxy J2, row 2"),
    ],
)
def test_a_table_of_representations_is_looked_into(paper, tmp_path, change, message):
    pd.DataFrame({"iauname": ["J1", "J2"], "a": 1.0} | change).to_csv(
        tmp_path / "f_gz2.csv", index=False
    )
    given = {"dino": {"representation": str(tmp_path / "f_{survey}.csv")}}
    changed = merged(paper, {"pretraining": {"weights": given}})
    jobs = [job("import_representation", survey="gz2", pretraining="dino")]
    lines = check(jobs, changed, Machine())
    assert len(lines) == (message is not None)
    assert all(line.startswith(f"{tmp_path}/f_gz2.csv: {message}") for line in lines)


def test_tables_that_rules_make_are_not_looked_into(paper):
    made = {"table": "<results>/0_sources/gz2/training_solutions.csv"}
    changed = merged(paper, {"surveys": {"gz2": {"catalogue": made}}})
    assert check([job("select_galaxies", survey="gz2")], changed, Machine()) == []
