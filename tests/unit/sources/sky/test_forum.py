"""Tags: which there are, how often, and those left for Figure 2."""

from tests.conftest import ROOT
from tests.unit.sources.sky.conftest import SEED
from workflow.lib.similarity.tag_rules import read_tag_rules
from workflow.lib.similarity.tags import merge_tags
from workflow.lib.sources.sky.forum import forum_tags

RULES = read_tag_rules(ROOT / "config/tags.tsv")


def test_tags_include_synonyms_tree_questions_and_things_no_image_shows(truth):
    tags = forum_tags(truth, SEED, RULES.spellings())
    assert list(tags) == ["iauname", "tag"]
    assert tags["iauname"].isin(truth["iauname"]).all()
    used = set(tags["tag"])
    assert {"ring", "ringed", "dust-lane", "dusty", "disturbed", "disturbance"} <= used
    assert {"spiral", "merging", "bar", "edge-on"} <= used
    assert {"agn", "decals", "sdss"} <= used


def test_enough_tags_remain_for_the_18_rows_of_figure_2(truth):
    tags = forum_tags(truth, SEED, RULES.spellings())["tag"]
    assert {"agn", "decals", "spiral", "merging"} <= set(tags) & set(RULES.excluded)
    left = merge_tags(tags, RULES).dropna()
    assert left.nunique() >= 18
    assert not set(left) & {*RULES.synonyms, *RULES.excluded}


def test_a_few_galaxies_and_tags_account_for_most_uses(truth):
    tags = forum_tags(truth, SEED, RULES.spellings())
    uses = tags["iauname"].value_counts()
    assert uses.head(len(uses) // 10).sum() > 0.25 * len(tags)
    assert tags["tag"].value_counts().iloc[0] > 10 * tags["tag"].value_counts().iloc[-1]
