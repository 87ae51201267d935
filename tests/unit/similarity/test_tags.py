"""Tags: synonyms merged, tags left out, the galaxies most often given them; tags from votes."""

import logging

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import write_parquet
from workflow.lib.similarity.tag_rules import TagRules, read_tag_rules
from workflow.lib.similarity.tags import derive_tags, gather_tags, merge_tags, query_galaxies

SHIPPED = ROOT / "config/tags.tsv"
SYNONYMS = {  # of the authors' code
    "star-forming": "starforming", "starformation": "starforming", "star_forming": "starforming",
    "ringed": "ring", "disturbance": "disturbed", "bright-core": "core", "central-core": "core",
    "dusty": "dust-lane", "dust": "dust-lane", "dustlane": "dust-lane", "foreground-star": "star",
    "wrong-size": "wrong_size", "overlap": "overlapping", "tidal-debris": "tidal",
}  # fmt: skip


def rules_file(path, *rows, head="tag\tbecomes\tbecause"):
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_the_shipped_rules_have_the_papers_synonyms_and_exclusions():
    rules = read_tag_rules(SHIPPED)
    assert SYNONYMS.items() <= rules.synonyms.items()
    assert {"agn", "decals", "spiral", "merging"} <= rules.excluded.keys()  # Sec. 2.4
    assert rules.spellings()["ring"] == ["ring", "ringed"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a\tb\t", "a\tc\t"], "tag 'a' is listed twice"),
        (["a\t\t"], "say what tag 'a' becomes"),
        (["a\tb\t", "b\tc\t"], "tag 'a' becomes 'b', which has a row of its own"),
        (["a\tb\t", "b\t\tsilly"], "tag 'a' becomes 'b', which has a row of its own"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(tmp_path, rows, message):
    with pytest.raises(UserError, match=message):
        read_tag_rules(rules_file(tmp_path / "tags.tsv", *rows))


def test_a_file_that_is_not_a_table_of_rules_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such table of tags"):
        read_tag_rules(tmp_path / "tags.tsv")
    with pytest.raises(UserError, match="the columns must be tag, becomes, because"):
        read_tag_rules(rules_file(tmp_path / "tags.tsv", head="tag,becomes"))


def test_tags_are_merged_and_left_out_ignoring_case_and_hash_sign():
    rules = TagRules({"ringed": "ring"}, {"agn": "not in the image"})
    merged = merge_tags(pd.Series(["#Ringed", " ring ", "AGN", "", "nan", "NULL", "other"]), rules)
    assert merged.fillna("-").tolist() == ["ring", "ring", "-", "-", "-", "-", "other"]


@pytest.fixture
def files(tmp_path):
    """A table of uses, a catalogue of three galaxies, and where to write."""
    uses = [("a", "ring"), ("a", "ringed"), ("b", "#ring"), ("c", "agn"), ("x", "ring")]
    pd.DataFrame(uses, columns=["iauname", "tag"]).to_csv(tmp_path / "tags.csv", index=False)
    names = ["a", "b", "c"]
    votes = {"odd_yes_fraction": [0.9, 0.8, 0.2], "ring": [1.0, 0.5, 1.0]}
    write_parquet(pd.DataFrame({"iauname": names} | votes), tmp_path / "catalogue.parquet")
    return tmp_path / "tags.csv", tmp_path / "catalogue.parquet", tmp_path / "out.parquet"


def test_uses_are_counted_for_galaxies_of_the_catalogue(files, caplog):
    tags, catalogue, out = files
    caplog.set_level(logging.INFO)
    gather_tags(tags, SHIPPED, catalogue, out)
    expected = {"tag": ["ring"] * 2, "iauname": ["a", "b"], "uses": [2.0, 1.0]}
    assert pd.read_parquet(out).to_dict("list") == expected
    assert (
        "5 rows: 1 with tags that are left out, 1 with galaxies not in the catalogue" in caplog.text
    )


def test_tags_without_any_galaxy_of_the_catalogue_are_refused(files):
    tags, catalogue, out = files
    pd.DataFrame({"iauname": ["x"], "tag": ["ring"]}).to_csv(tags, index=False)
    with pytest.raises(UserError, match=r"none of its 1 rows tags a galaxy of .*catalogue"):
        gather_tags(tags, SHIPPED, catalogue, out)
    pd.DataFrame({"iauname": ["x"], "label": ["ring"]}).to_csv(tags, index=False)
    with pytest.raises(UserError, match="no column 'tag'"):
        gather_tags(tags, SHIPPED, catalogue, out)
    assert not out.exists()


def test_a_tag_made_from_votes_is_the_product_of_its_fractions(files):
    _, catalogue, out = files
    derive_tags(catalogue, {"ring": ["odd_yes", "ring"], "odd": ["odd_yes"]}, 0.5, out)
    table = pd.read_parquet(out)
    assert table["tag"].tolist() == ["odd", "odd", "ring"]
    assert table["iauname"].tolist() == ["a", "b", "a"]
    assert table["uses"].tolist() == pytest.approx([0.9, 0.8, 0.9])


def test_tags_that_no_galaxy_has_enough_votes_for_are_refused(files):
    _, catalogue, out = files
    with pytest.raises(UserError, match=r"no galaxy has a vote fraction over 0\.95"):
        derive_tags(catalogue, {"odd": ["odd_yes"]}, 0.95, out)
    with pytest.raises(UserError, match="no column 'bar_automated-fraction'"):
        derive_tags(catalogue, {"bar": ["bar"]}, 0.5, out)


def test_the_most_common_tags_and_the_galaxies_most_often_given_them_are_chosen():
    rows = [
        ("ring", "a", 2), ("ring", "b", 5), ("star", "c", 4), ("star", "a", 4),
        ("core", "x", 99), ("core", "a", 1),
    ]  # fmt: skip
    tags = pd.DataFrame(rows, columns=["tag", "iauname", "uses"])
    chosen = query_galaxies(tags, ["a", "b", "c"], 2)
    assert chosen.to_dict("list") == {"tag": ["star", "ring"], "query": ["a", "b"]}
    assert query_galaxies(tags, ["a"], 9)["tag"].tolist() == ["star", "ring", "core"]
    assert query_galaxies(tags, [], 9).empty


@given(st.randoms(use_true_random=False))
def test_the_chosen_galaxies_do_not_depend_on_the_order_of_the_table(random):
    rows = [(tag, name, 1.0) for tag in "abc" for name in "uvw"]
    tags = pd.DataFrame(rows, columns=["tag", "iauname", "uses"])
    random.shuffle(rows)
    shuffled = pd.DataFrame(rows, columns=["tag", "iauname", "uses"])
    pd.testing.assert_frame_equal(
        query_galaxies(shuffled, list("uvw"), 2), query_galaxies(tags, list("uvw"), 2)
    )


def test_rules_that_are_not_in_utf_8_are_refused(tmp_path):
    path = tmp_path / "tags.tsv"
    path.write_bytes("tag\tbecomes\tbecause\nb\u00e4r\tbar\t\n".encode("latin-1"))
    with pytest.raises(UserError, match="not text in UTF-8; save it as such"):
        read_tag_rules(path)
