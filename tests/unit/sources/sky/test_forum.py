"""Tags: which there are, how often, those left for Figure 2, and that their queries show them."""

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.unit.sources.sky.conftest import SEED
from workflow.lib.similarity.tag_rules import read_tag_rules
from workflow.lib.similarity.tags import merge_tags, query_galaxies
from workflow.lib.sources.sky.forum import USES, forum_tags
from workflow.lib.sources.sky.perception import appearance
from workflow.lib.sources.sky.population import draw_population

RULES = read_tag_rules(ROOT / "config/tags.tsv")

CALM = "disturbance < 0.2 and not merging and defect == 'none' and not overlapped"
FACE_ON = f"{CALM} and inclination < 58 and morphology == 'disc' and large"
EDGE_ON = f"{CALM} and inclination > 78 and large"
PLAINLY_SHOWN = {
    "starforming": f"{FACE_ON} and clumpiness > 0.3 and seen_arms > 0.15",
    "ring": f"{CALM} and inclination < 58 and seen_ring > 0.25 and large",
    "disturbed": "merging and disturbance > 0.45 and bulge_fraction < 0.8 and large",
    "core": f"{FACE_ON} and bulge_fraction > 0.25 and seen_ring < 0.2 and seen_bar < 0.3",
    "dust-lane": f"{EDGE_ON} and dust_lane and dust > 0.4",
    "star": "defect in ('star', 'saturated')",
    "wrong_size": "wrong_size_warning",
    "overlapping": "overlapped and not merging and large",
    "tidal": "tail_strength > 0.45 and large",
    "irregular": f"{CALM} and morphology == 'irregular' and irregularity > 0.5 and large",
    "lenticular": f"{CALM} and morphology == 'lenticular' and inclination < 58 and large",
    "lens": "lensed and large",
    "flocculent": f"{FACE_ON} and flocculence > 0.4 and seen_arms > 0.15",
    "grand-design": f"{FACE_ON} and arm_count == 2 and seen_arms > 0.4 and flocculence < 0.5",
    "clumpy": f"{CALM} and clumpiness > 0.6 and large",
    "peculiar": "not merging and disturbance > 0.45 and morphology == 'disc' and large",
    "boxy": f"{EDGE_ON} and boxiness > 0.4 and bulge_fraction > 0.15",
    "shells": "morphology == 'elliptical' and disturbance > 0.45 and not merging and large",
    "trail": "defect == 'satellite'",
    "ghost": "defect == 'ghost'",
    "one-arm": f"{FACE_ON} and arm_count == 1 and arm_strength > 0.3 and flocculence < 0.5"
    " and seen_ring < 0.2",
}
"""What a galaxy's truth must be, for each tag, so that anyone sees in its picture what it names."""


@pytest.fixture(scope="module", params=[1, 2, 3, 4])
def queries(request):
    """Give the 18 queries of Figure 2, with what is true of them, in a sky like the toy's."""
    truth = draw_population(2000, request.param, merging_share=0.2).query("petro_theta > 3")
    truth = truth.reset_index(drop=True)
    seen = pd.DataFrame(appearance(truth)).add_prefix("seen_")
    magnitude = truth["mag_r"].fillna(17.0)
    truth = truth.join(seen).assign(large=truth["petro_th50"] > 1.6 * 1.4 ** (magnitude - 17.0))
    tags = forum_tags(truth, request.param, RULES.spellings())
    tags = tags.assign(tag=merge_tags(tags["tag"], RULES)).dropna()
    counted = tags.groupby(["tag", "iauname"], as_index=False).size()
    counted = counted.rename(columns={"size": "uses"})
    everything = query_galaxies(counted, set(truth["iauname"]), len(USES))
    return everything.merge(truth, left_on="query", right_on="iauname")


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


def test_the_galaxy_most_often_given_a_tag_plainly_shows_it(queries):
    assert set(queries["tag"]) <= set(PLAINLY_SHOWN)
    for tag, condition in PLAINLY_SHOWN.items():
        query = queries[queries["tag"] == tag]
        assert len(query.query(condition)) == len(query), query.T.to_string()


def test_different_tags_have_different_queries(queries):
    assert len(queries) >= 18
    assert queries["query"].is_unique


def test_a_condition_is_stated_for_each_tag():
    assert set(PLAINLY_SHOWN) == set(USES)
