"""Selection: cuts and their counts, votes, ids and units."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.catalogue.conftest import select_atlas, select_table
from workflow.app.downloads import labels_csv
from workflow.app.ratings import History
from workflow.lib.anomaly.candidates import select_candidates
from workflow.lib.catalogue.selection import select
from workflow.lib.catalogue.shards import write_shard
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import read_table, write_parquet

numbers = st.floats(-1e3, 1e3) | st.sampled_from([np.nan, np.inf, -np.inf, 3.0])


# Cuts


@given(
    values=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30),
    low=st.floats(-10, 3),
    high=st.floats(3.5, 1e3),
    flags=st.lists(st.sampled_from([True, False, None]), min_size=30, max_size=30),
)
def test_cuts_keep_the_open_interval_and_count_what_they_remove(values, low, high, flags):
    galaxies = pd.DataFrame(values, columns=["a", "b"])
    galaxies["flag"] = flags[: len(values)]
    passes = [
        x > 3.0 and np.isfinite(x) and low < y < high and not flag
        for (x, y), flag in zip(values, flags, strict=False)
    ]
    cuts = {"a": {"above": 3.0}, "b": {"above": low, "below": high}}
    if not any(passes):
        with pytest.raises(UserError, match="no galaxy passes the cuts"):
            select(galaxies, cuts, ["flag"], "t")
        return
    kept, counts = select(galaxies, cuts, ["flag"], "t")
    pd.testing.assert_frame_equal(kept, galaxies[passes].reset_index(drop=True))
    assert [row["cut"] for row in counts] == [
        "a unknown", "a not above 3.0",
        "b unknown", f"b not above {low}", f"b not below {high}", "flag",
    ]  # fmt: skip
    left = len(values)
    for row in counts:
        assert row["left"] == left - row["removed"]
        left = row["left"]
    assert left == len(kept)


def test_a_value_on_the_bound_does_not_pass():
    galaxies = pd.DataFrame({"mag_r": [14.0, np.nextafter(14.0, 15), 17.77, 17.7699]})
    kept, _ = select(galaxies, {"mag_r": {"above": 14.0, "below": 17.77}}, [], "t")
    assert kept["mag_r"].tolist() == [np.nextafter(14.0, 15), 17.7699]


@pytest.mark.parametrize(
    ("cuts", "exclude", "message"),
    [
        ({"mag": {"above": 1}}, [], "t.csv: no column 'mag'; it has mag_r"),
        ({}, ["flag"], "t.csv: no column 'flag'"),
        ({"name": {"above": 1}}, [], "t.csv: column 'name' is not a number"),
        ({"mag_r": {"above": 5}}, [], r"t.csv: no galaxy passes .*mag_r not above 5: 2\)"),
    ],
)
def test_an_impossible_cut_is_named(cuts, exclude, message):
    galaxies = pd.DataFrame({"mag_r": [1.0, 2.0], "name": ["a", "b"]})
    with pytest.raises(UserError, match=message):
        select(galaxies, cuts, exclude, "t.csv")


# An atlas with votes


def test_the_galaxies_of_an_atlas_are_cut_and_counted(tables):
    galaxies, counts = select_atlas(tables)
    assert galaxies["iauname"].tolist() == ["kept", "no-flag"]
    assert galaxies["petro_theta"].tolist() == [5.0, 5.0]
    assert [(row["cut"], row["removed"], row["left"]) for row in counts] == [
        ("in the atlas", 0, 11),
        ("listed twice", 1, 10),
        ("not observed by the survey", 1, 9),
        ("petro_theta unknown", 1, 8),
        ("petro_theta not above 3.0", 1, 7),
        ("mag_r unknown", 2, 5),
        ("mag_r not above 14.0", 1, 4),
        ("mag_r not below 17.77", 1, 3),
        ("wrong_size_warning", 1, 2),
    ]


@pytest.mark.parametrize(("published", "nearer"), [(305_657, "all cuts but"), (2, "all cuts")])
def test_both_readings_of_the_cuts_are_set_beside_the_papers_number(tables, published, nearer):
    _, counts = select_atlas(tables, published=published)
    with_flag, without = counts[-2:]
    assert counts[-3]["cut"] == "wrong_size_warning"
    assert with_flag["cut"] == "all cuts"
    assert without["cut"] == "all cuts but wrong_size_warning"
    assert (with_flag["left"], without["left"]) == (2, 3)
    assert [row["difference"] for row in counts[-2:]] == [2 - published, 3 - published]
    assert [row["cut"].startswith(nearer) for row in counts[-2:] if row["nearer"]] == [True]


def test_the_number_of_a_table_without_flags_is_compared_once(tmp_path):
    select_table(tmp_path, pd.DataFrame({"id": list("abc"), "n": 1}), published=4)
    assert json.loads((tmp_path / "c.json").read_text())[1:] == [
        {"cut": "all cuts", "removed": 0, "left": 3, "published": 4, "difference": -1,
         "nearer": True}
    ]  # fmt: skip


def test_votes_of_volunteers_and_network_have_their_own_names_and_measurements_are_left_out(tables):
    galaxies, _ = select_atlas(tables)
    assert list(galaxies)[8:] == [
        "wrong_size_warning",
        "bar_strong_automated-fraction",
        "bar_strong",
        "bar_total-votes",
        "bar_strong_fraction",
        "rare-features_ring_fraction",
    ]
    kept, unasked = galaxies.to_dict("records")
    assert (kept["bar_strong"], kept["bar_total-votes"], kept["bar_strong_fraction"]) == (
        3,
        4,
        0.75,
    )
    assert np.isnan(unasked["bar_total-votes"])
    assert unasked["rare-features_ring_fraction"] == 0.6
    automated = read_table(tables / "automated.parquet").set_index("iauname")
    for galaxy in (kept, unasked):
        expected = automated.loc[galaxy["iauname"], "bar_strong_fraction"]
        assert galaxy["bar_strong_automated-fraction"] == expected


def test_a_thumbnails_scale_follows_the_papers_footnote_3(tables):
    galaxies, _ = select_atlas(tables)
    # max(min(2 * 0.04, 6 * 0.02), 0.1) and max(min(20 * 0.04, 30 * 0.02), 0.1)
    np.testing.assert_allclose(galaxies["pixel_scale"], [0.1, 0.6], rtol=1e-6)


def test_a_catalogues_columns_carry_their_units(tables):
    select_atlas(tables)
    schema = pq.read_schema(tables / "c.parquet")
    units = {field.name: field.metadata[b"unit"].decode() for field in schema if field.metadata}
    assert units == {
        "ra": "deg", "dec": "deg", "petro_theta": "arcsec", "petro_th50": "arcsec",
        "petro_th90": "arcsec", "mag_r": "mag", "pixel_scale": "arcsec/pixel",
    }  # fmt: skip


def test_a_catalogue_can_do_without_volunteers_votes(tables):
    galaxies, _ = select_atlas(tables, volunteers=None, rare_features=None)
    assert "bar_strong" not in galaxies
    assert "bar_strong_automated-fraction" in galaxies


def test_of_zoobots_table_of_rings_only_the_chosen_column_is_taken(tables):
    """Its automated fractions have the names of the volunteers' fractions."""
    path = tables / "rare_features.parquet"
    rings = pd.read_parquet(path).assign(bar_strong_fraction=0.1, local_png_loc="J000/a.png")
    rings.to_parquet(path)
    with pytest.raises(UserError, match=r"'bar_strong_fraction' is also in .* 'catalogue.rare_"):
        select_atlas(tables)
    galaxies, _ = select_atlas(tables, rare_columns=["rare-features_ring_fraction"])
    assert galaxies["rare-features_ring_fraction"].tolist()[1] == 0.6
    assert galaxies["bar_strong_fraction"].tolist()[0] == 0.75
    assert "local_png_loc" not in galaxies
    with pytest.raises(UserError, match=r"rare_features.parquet: no column 'rings'; it has iaunam"):
        select_atlas(tables, rare_columns=["rings"])


def test_the_labels_that_the_page_offers_for_a_hunt_decide_which_galaxies_are_anomalies(tables):
    history = History().show(["kept", "no-flag"]).answer("kept", 4, "").answer("no-flag", 1, "")
    path = tables / "rings-labels.csv"
    path.write_bytes(labels_csv(history))
    galaxies, _ = select_atlas(tables, rare_features=path, rare_columns=["label"])
    assert galaxies.set_index("iauname")["label"].dropna().to_dict() == {
        "kept": 0.8,
        "no-flag": 0.2,
    }
    write_parquet(galaxies, tables / "catalogue.parquet")
    select_candidates(
        tables / "catalogue.parquet", [], label="label", above=0.5, share=None, votes="",
        min_votes=0, filters={}, candidates=tables / "candidates.parquet",
        counts=tables / "candidates.json",
    )  # fmt: skip
    found = pd.read_parquet(tables / "candidates.parquet").set_index("iauname")["anomaly"]
    assert found.to_dict() == {"kept": True, "no-flag": False}


def test_a_column_of_the_automated_table_can_be_cut_on(tables):
    _, counts = select_atlas(tables, cuts={"redshift": {"below": 0.15}}, exclude=[])
    assert counts[-1] == {"cut": "redshift not below 0.15", "removed": 0, "left": 9}


@pytest.mark.parametrize(
    ("table", "frame", "message"),
    [
        (
            "automated",
            {"iauname": ["x"], "wrong_size_warning": [False]},
            "none of its iaunames",
        ),
        ("automated", {"name": ["kept"]}, "no column 'iauname'; it has name"),
        ("automated", {"iauname": ["kept"]}, "no column 'wrong_size_warning'"),
        ("volunteers", {"iauname": ["kept", "kept"]}, "iauname kept occurs more than once"),
        (
            "rare_features",
            {"iauname": ["kept"], "bar_total-votes": [3]},
            "column 'bar_total-votes'",
        ),
    ],
)
def test_a_table_of_votes_that_cannot_be_used_is_named(tables, table, frame, message):
    pd.DataFrame(frame).to_parquet(tables / f"{table}.parquet")
    with pytest.raises(UserError, match=message) as caught:
        select_atlas(tables)
    assert f"{table}.parquet" in str(caught.value)
    assert not (tables / "c.parquet").exists()


def test_columns_that_are_not_needed_are_not_read(tables):
    """The real table of 1.6 GB is mostly lists of concentrations: here reading them would fail."""
    path = tables / "automated.parquet"
    table = pq.read_table(path)
    lists = pa.array([[float(n)] * 25 for n in range(len(table))])
    # Not compressed, so that the place of the bytes is known.
    pq.write_table(
        table.append_column("bar_strong_lists", lists),
        path,
        compression="none",
        use_dictionary=False,
    )
    group = pq.read_metadata(path).row_group(0)
    place = next(
        column.data_page_offset
        for column in map(group.column, range(group.num_columns))
        if column.path_in_schema.startswith("bar_strong_lists")
    )
    with path.open("r+b") as file:
        file.seek(place)
        file.write(b"\xff" * 64)
    with pytest.raises(UserError, match="not a readable"):
        read_table(path, columns=["bar_strong_lists"])
    galaxies, _ = select_atlas(tables)
    assert galaxies["iauname"].tolist() == ["kept", "no-flag"]


# A table of the user's own


def test_the_columns_of_a_table_are_kept_and_its_ids_stay_text(tmp_path):
    frame = pd.DataFrame(
        {"ring": [1, 0], "id": ["007", "587732578312454276"], "iauname": ["x", "y"]}
    )
    galaxies = select_table(tmp_path, frame)
    assert galaxies.to_dict("list") == {"iauname": ["007", "587732578312454276"], "ring": [1, 0]}
    assert json.loads((tmp_path / "c.json").read_text()) == [
        {"cut": "in the table", "removed": 0, "left": 2}
    ]


def test_a_table_with_radii_gets_a_pixel_scale(tmp_path):
    frame = pd.DataFrame({"id": ["a"], "petro_th50": [5.0], "petro_th90": [9.0]})
    assert select_table(tmp_path, frame)["pixel_scale"].tolist() == pytest.approx([0.18])


def test_a_table_can_be_cut_and_flagged(tmp_path):
    frame = pd.DataFrame({"id": list("abc"), "p": [0.1, 0.9, 0.95], "bad": [False, True, False]})
    galaxies = select_table(tmp_path, frame, cuts={"p": {"above": 0.5}}, exclude=["bad"])
    assert galaxies["iauname"].tolist() == ["c"]


@pytest.mark.parametrize(
    ("ids", "id_column", "message"),
    [
        (["a", "b", "a"], "id", "'id' a occurs more than once"),
        (["a", " ", "b"], "id", "no 'id' in row 2"),
        (["a", "b", None], "id", "no 'id' in row 3"),
        (["a"], "name", "no column 'name'; it has id"),
    ],
)
def test_missing_and_repeated_ids_are_named(tmp_path, ids, id_column, message):
    with pytest.raises(UserError, match=message) as caught:
        select_table(tmp_path, pd.DataFrame({"id": ids, "n": 1}), id_column)
    assert "labels.csv" in str(caught.value)


def test_real_labels_become_a_catalogue(shared_data, tmp_path):
    frame = read_table(shared_data / "decals_rings_sample" / "labels.csv", text=["id_str"])
    galaxies = select_table(tmp_path, frame, "id_str", cuts={"ring": {"above": 0.5}})
    assert len(galaxies) == 100
    images = shared_data / "decals_rings_sample" / "images"
    assert all((images / f"{name}.jpg").exists() for name in galaxies["iauname"])


def test_real_votes_join_an_atlas(shared_data, tables):
    votes = read_table(shared_data / "tables" / "gz_decals_full_tree_votes_1618.csv.gz")
    votes = votes.drop_duplicates("subject_id").head(2).assign(iauname=["kept", "no-flag"])
    votes.to_parquet(tables / "volunteers.parquet")
    galaxies, _ = select_atlas(tables)
    columns = [name for name in votes if name.endswith(("_total-votes", "_fraction"))]
    answers = [name.removesuffix("_fraction") for name in columns if name.endswith("_fraction")]
    assert set(columns + answers) <= set(galaxies)
    assert not [name for name in galaxies if name.endswith(("_min", "_max", "prediction-encoded"))]
    np.testing.assert_array_equal(galaxies[columns], votes[columns])


RINGS = pd.DataFrame(
    {"id": ["a", "b", "c", "d"], "mag": [15, 16, -99, 17.0], "z": [0.1, 0.2, 1, 0]}
)


@pytest.mark.parametrize("cut", [{"below": 17.77}, {"below": 99}])
def test_the_sign_of_a_missing_value_does_not_pass_a_cut(tmp_path, cut):
    with pytest.raises(UserError, match=r"'mag' is -99 for galaxy c, row 3, .*_values: \[-99\]'"):
        select_table(tmp_path, RINGS, cuts={"mag": cut})


def test_the_sign_of_a_missing_value_is_no_flag(tmp_path):
    frame = RINGS.assign(flag=[0, 1, -99, 0])
    with pytest.raises(UserError, match=r"'flag' is -99 for galaxy c"):
        select_table(tmp_path, frame, exclude=["flag"])


def test_declared_signs_are_missing_in_the_catalogue(tmp_path):
    found = select_table(tmp_path, RINGS, cuts={"mag": {"below": 17.77}}, missing_values=[-99])
    assert found["iauname"].tolist() == ["a", "b", "d"]
    found = select_table(tmp_path, RINGS, missing_values=[-99, 1])
    np.testing.assert_array_equal(found["mag"], [15, 16, np.nan, 17])
    np.testing.assert_array_equal(found["z"], [0.1, 0.2, np.nan, 0])


def test_a_cut_on_both_sides_says_what_is_a_value(tmp_path):
    found = select_table(tmp_path, RINGS, cuts={"mag": {"above": -100, "below": 16.5}})
    assert found["iauname"].tolist() == ["a", "b", "c"]


def test_a_cut_on_a_fraction_refuses_what_is_none(tmp_path):
    frame = RINGS.assign(ring_fraction=[0.2, 55, 0.1, 0.3])
    with pytest.raises(
        UserError, match="'ring_fraction' is 55 for galaxy b, row 2, not a fraction"
    ):
        select_table(tmp_path, frame, cuts={"ring_fraction": {"above": 0.1}})


def test_positions_in_capitals_are_positions_unless_there_are_others(tmp_path):
    frame = RINGS.assign(RA=[1, 2, 3, 4.0], Dec=[5, 6, 7, 8.0], PETRO_TH50=3.0, petro_th90=9.0)
    found = select_table(tmp_path, frame)
    assert found["ra"].tolist() == [1, 2, 3, 4]
    assert found["dec"].tolist() == [5, 6, 7, 8]
    assert found["pixel_scale"].tolist() == pytest.approx([0.12] * 4)
    found = select_table(tmp_path, frame.assign(ra=[9.0] * 4))
    assert found["ra"].tolist() == [9] * 4
    assert found["RA"].tolist() == [1, 2, 3, 4]


def test_a_text_among_positions_and_radii_costs_one_galaxy(tmp_path, caplog):
    frame = RINGS.assign(ra=["1", "x", "3", "4"], petro_th50=["3", "3", "?", "3"], petro_th90=9)
    found = select_table(tmp_path, frame)
    np.testing.assert_array_equal(found["ra"], [1, np.nan, 3, 4])
    np.testing.assert_array_equal(found["pixel_scale"].isna(), [False, False, True, False])
    assert "'ra' is x for galaxy b, row 2" in caplog.text


def test_names_that_are_words_for_nothing_are_names_in_the_shards_too(tmp_path):
    frame = pd.DataFrame({"id": ["NA", "null", "None", "nan"], "mag": 15})
    assert select_table(tmp_path, frame)["iauname"].tolist() == frame["id"].tolist()
    (tmp_path / "c.parquet").rename(tmp_path / "own.parquet")
    write_shard(tmp_path / "own.parquet", tmp_path / "0-of-1.csv")
    shard = read_table(tmp_path / "0-of-1.csv", text=["iauname"])
    assert shard["iauname"].tolist() == frame["id"].tolist()
