"""Votes obey the tree and follow the truth; every table keeps its format."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import mannwhitneyu, spearmanr

from tests.conftest import ROOT
from workflow.lib.similarity.tag_rules import read_tag_rules
from workflow.lib.similarity.tags import merge_tags
from workflow.lib.sources.sky.light import Galaxy
from workflow.lib.sources.sky.population import EDGE_ON, draw_population
from workflow.lib.sources.sky.volunteers import (
    NEXT_QUESTION,
    QUESTIONS,
    SEEING_SIGMA,
    answer_probabilities,
    automated_fractions,
    forum_tags,
    galaxy_id,
    odd_fraction,
    rare_features,
    volunteer_votes,
)

SEED = 3
RULES = read_tag_rules(ROOT / "config/tags.tsv")


@pytest.fixture(scope="module")
def truth():
    return draw_population(3000, seed=6, merging_share=0.045)


@pytest.fixture(scope="module")
def votes(truth):
    return volunteer_votes(truth, SEED)


@pytest.fixture(scope="module")
def rare(truth, votes):
    return rare_features(truth, votes, SEED)


@pytest.fixture(scope="module")
def automated(truth):
    return automated_fractions(truth, SEED)


def columns(question, ending=""):
    return [f"{question}_{answer}{ending}" for answer in QUESTIONS[question]]


def auc(scores, positive):
    scores, positive = np.asarray(scores), np.asarray(positive, bool)
    known = np.isfinite(scores)
    scores, positive = scores[known], positive[known]
    wins = mannwhitneyu(scores[positive], scores[~positive]).statistic
    return wins / positive.sum() / (~positive).sum()


def test_there_are_ten_questions_and_34_answers():
    assert len(QUESTIONS) == 10
    assert sum(map(len, QUESTIONS.values())) == 34
    assert set(NEXT_QUESTION) == set(QUESTIONS)
    assert all(tuple(NEXT_QUESTION[question]) == QUESTIONS[question] for question in QUESTIONS)


def test_questions_stand_before_those_they_lead_to():
    order = list(NEXT_QUESTION)
    for question, following in NEXT_QUESTION.items():
        assert all(order.index(n) > order.index(question) for n in following.values() if n)


def test_probabilities_add_to_one_within_each_question(truth):
    probabilities = answer_probabilities(truth)
    assert list(probabilities) == [name for question in QUESTIONS for name in columns(question)]
    for question in QUESTIONS:
        block = probabilities[columns(question)]
        np.testing.assert_allclose(block.sum(axis=1), 1)
        assert (block > 0).all(axis=None)


def test_small_and_faint_galaxies_look_smooth(truth):
    spirals = truth[(truth["arm_strength"] > 0.5) & (truth["inclination"] < 60)].copy()
    near = answer_probabilities(spirals)["smooth-or-featured_featured-or-disk"]
    lengths = ["disc_scale", "bulge_radius", "bar_length", "ring_radius", "ring_width"]
    spirals[lengths] /= 3
    spirals[["flux_g", "flux_r", "flux_z"]] /= 9
    far = answer_probabilities(spirals)["smooth-or-featured_featured-or-disk"]
    assert (far < near).all()
    assert far.mean() < near.mean() - 0.15


def contrast(galaxy, without, reach):
    """Measure what a feature changes in blurred light within `reach` [arcsec]."""
    pixel = max(galaxy["disc_scale"] / 12, 0.1)
    offsets = np.arange(-int(reach / pixel) - 20, int(reach / pixel) + 21) * pixel
    light, bare = (
        gaussian_filter(
            Galaxy(row, np.random.default_rng(5)).brightness(offsets, offsets, pixel)[1],
            SEEING_SIGMA / pixel,
        )
        for row in (galaxy, galaxy | without)
    )
    inside = np.hypot(offsets[:, None], offsets) < reach
    return (light / bare)[inside].std()


@pytest.mark.parametrize(
    ("strength", "without", "reach", "answer"),
    [
        ("arm_strength", {}, ("disc_scale", 2.4), "has-spiral-arms_yes"),
        ("bar_strength", {"bar_fraction": 0}, ("bar_length", 1), "bar_strong"),
        ("ring_strength", {"ring_fraction": 0}, ("ring_radius", 1.3), "ring"),
    ],
)
def test_volunteers_see_what_the_seeing_leaves_of_the_truth(
    truth, votes, rare, strength, without, reach, answer
):
    # Patches of a disc are wound like its arms, and taken for them.
    there = (
        (truth["morphology"] == "disc") & (truth["inclination"] < 60)
        & (truth[strength] > 0.1) & (truth["disturbance"] < 0.15) & (truth["flocculence"] < 0.4)
    )  # fmt: skip
    galaxies = truth[there & truth["iauname"].isin(votes["iauname"])].head(150)
    assert len(galaxies) > 75
    if answer == "ring":
        said = rare.set_index("iauname")["rare-features_ring_fraction"].loc[galaxies["iauname"]]
    else:
        said = answer_probabilities(galaxies, SEED)[answer]
    measured = [
        contrast(galaxy, without | {strength: 0}, galaxy[reach[0]] * reach[1])
        for galaxy in galaxies.to_dict("records")
    ]
    agreement = spearmanr(said, measured, nan_policy="omit").statistic
    assert agreement > 0.65
    assert agreement > spearmanr(galaxies[strength], measured).statistic + 0.04


def test_rings_pass_for_tightly_wound_arms(truth):
    ringed = truth[(truth["ring_strength"] > 0.5) & (truth["inclination"] < 60)]
    assert len(ringed) > 20
    with_rings = answer_probabilities(ringed)
    without = answer_probabilities(ringed.assign(ring_strength=0.0))
    for answer in ("has-spiral-arms_yes", "spiral-winding_tight", "spiral-arm-count_cant-tell"):
        assert (with_rings[answer] > without[answer]).all()


def test_some_galaxies_have_no_votes_and_none_that_was_not_observed(truth, votes):
    observed = truth.loc[truth["observed"], "iauname"]
    assert votes["iauname"].is_unique
    assert votes["iauname"].isin(observed).all()
    assert 1 - len(votes) / len(observed) == pytest.approx(0.17, abs=0.03)


def test_most_galaxies_have_about_40_volunteers_and_some_about_5(votes):
    total = votes["smooth-or-featured_total-votes"]
    assert (total >= 1).all()
    assert 0.6 < (total > 25).mean() < 0.9
    assert 0.1 < (total < 12).mean() < 0.4


def test_totals_obey_the_tree(votes):
    asked = dict.fromkeys(QUESTIONS, 0)
    asked["smooth-or-featured"] = votes["smooth-or-featured_total-votes"]
    for question, following in NEXT_QUESTION.items():
        counts = votes[columns(question)]
        assert (counts.dtypes == np.int32).all()
        assert votes[f"{question}_total-votes"].dtype == np.int32
        assert (counts.sum(axis=1) == votes[f"{question}_total-votes"]).all()
        assert (votes[f"{question}_total-votes"] == asked[question]).all()
        for answer, then in following.items():
            if then:
                asked[then] = asked[then] + votes[f"{question}_{answer}"]


def test_fractions_are_counts_over_totals_and_missing_where_nobody_was_asked(votes):
    for question in QUESTIONS:
        total = votes[f"{question}_total-votes"].to_numpy()
        fractions = votes[columns(question, "_fraction")]
        np.testing.assert_array_equal(fractions.isna().all(axis=1), total == 0)
        expected = votes[columns(question)].to_numpy()[total > 0] / total[total > 0, None]
        np.testing.assert_allclose(fractions[total > 0], expected)


def test_votes_follow_the_truth(truth, votes, rare):
    galaxies = truth.set_index("iauname").loc[votes["iauname"]]
    face_on = (galaxies["inclination"] < 60).to_numpy()
    disc = (galaxies["morphology"] == "disc").to_numpy()

    def score(column, positive, among=slice(None)):
        return auc(votes[column][among], np.asarray(positive)[among])

    assert score("disk-edge-on_yes_fraction", galaxies["inclination"] > EDGE_ON) > 0.9
    large = (galaxies["disc_scale"] > 2).to_numpy()
    armed = galaxies["arm_strength"] > 0.3
    of_large = score("has-spiral-arms_yes_fraction", armed, face_on & large)
    assert of_large > 0.9
    # The seeing hides the arms of small galaxies.
    assert score("has-spiral-arms_yes_fraction", armed, face_on & ~large) < of_large - 0.05
    assert score("bar_strong_fraction", galaxies["bar_strength"] > 0.55, face_on & disc) > 0.8
    assert score("merging_merger_fraction", galaxies["merging"]) > 0.9
    assert score("smooth-or-featured_artifact_fraction", galaxies["defect"] != "none") > 0.9
    assert auc(rare["rare-features_ring_fraction"], galaxies["ring_strength"] > 0) > 0.85
    assert auc(rare["rare-features_irregular_fraction"], galaxies["irregularity"] > 0) > 0.85
    assert auc(rare["rare-features_dust-lane_fraction"], galaxies["dust_lane"]) > 0.7


def test_rare_features_are_multiple_choice(votes, rare):
    assert list(rare["iauname"]) == list(votes["iauname"])
    fractions = rare.filter(like="rare-features_")
    assert {"rare-features_ring_fraction", "rare-features_irregular_fraction"} <= set(fractions)
    known = fractions.dropna()
    assert ((known >= 0) & (known <= 1)).all(axis=None)
    assert known.sum(axis=1).std() > 0.02
    assert not set(rare) & (set(votes) - {"iauname"})


def test_rings_to_fine_tune_on_and_not_rings_are_both_common(votes, rare, automated):
    table = rare.merge(automated, on="iauname")
    featured = table[
        (table["smooth-or-featured_smooth_fraction"] < 0.25)
        & (table["disk-edge-on_no_fraction"] > 0.75)
    ]["rare-features_ring_fraction"]
    assert 0.05 < (featured > 0.25).mean() < 0.3
    assert 0.4 < (featured < 0.05).mean() < 0.85


def test_automated_fractions_cover_every_observed_galaxy_and_agree_with_volunteers(
    truth, votes, automated
):
    assert list(automated["iauname"]) == list(truth.loc[truth["observed"], "iauname"])
    for question in QUESTIONS:
        np.testing.assert_allclose(automated[columns(question, "_fraction")].sum(axis=1), 1)
    both = votes.merge(automated, on="iauname", suffixes=("", "_automated"))
    both = both[both["smooth-or-featured_total-votes"] > 25]
    error = (
        both["smooth-or-featured_smooth_fraction"]
        - both["smooth-or-featured_smooth_fraction_automated"]
    )
    assert error.abs().mean() < 0.12
    assert error.std() > 0.02


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_galaxy_gets_the_same_votes_whatever_is_asked_with_it(data, truth, votes, rare):
    rows = data.draw(st.lists(st.integers(0, 199), min_size=1, max_size=25, unique=True))
    part = truth.iloc[rows]
    names = part["iauname"]

    def rows_of(table, key="iauname"):
        return table[table[key].isin(names)].sort_values(key).reset_index(drop=True)

    some = volunteer_votes(part, SEED)
    pd.testing.assert_frame_equal(rows_of(some), rows_of(votes))
    pd.testing.assert_frame_equal(rows_of(rare_features(part, some, SEED)), rows_of(rare))


def test_tables_of_no_galaxies_keep_their_columns(truth, votes, rare, automated):
    nobody = truth.head(0)
    assert list(volunteer_votes(nobody, SEED)) == list(votes)
    assert list(rare_features(nobody, votes.head(0), SEED)) == list(rare)
    assert list(automated_fractions(nobody, SEED)) == list(automated)
    assert list(forum_tags(nobody, SEED, {})) == ["iauname", "tag"]
    assert list(odd_fraction(nobody, SEED)) == list(odd_fraction(truth.head(3), SEED))


def test_tags_have_synonyms_tree_questions_and_what_no_image_shows(truth):
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


def test_a_few_galaxies_and_tags_have_most_uses(truth):
    tags = forum_tags(truth, SEED, RULES.spellings())
    uses = tags["iauname"].value_counts()
    assert uses.head(len(uses) // 10).sum() > 0.25 * len(tags)
    assert tags["tag"].value_counts().iloc[0] > 10 * tags["tag"].value_counts().iloc[-1]


def test_the_kaggle_table_has_its_37_columns_weighted_down_the_tree(truth):
    table = odd_fraction(truth, SEED)
    sizes = {1: 3, 2: 2, 3: 2, 4: 2, 5: 4, 6: 2, 7: 3, 8: 7, 9: 3, 10: 3, 11: 6}
    names = {k: [f"Class{k}.{answer}" for answer in range(1, n + 1)] for k, n in sizes.items()}
    assert list(table) == ["GalaxyID", *(name for block in names.values() for name in block)]
    assert table["GalaxyID"].dtype == np.int64
    assert table["GalaxyID"].is_unique

    def total(number):
        return table[names[number]].sum(axis=1)

    reached = {
        1: 1.0, 2: table["Class1.2"], 3: table["Class2.2"], 4: table["Class2.2"],
        5: table["Class2.2"], 6: 1 - table["Class1.3"], 7: table["Class1.1"],
        8: table["Class6.1"], 9: table["Class2.1"], 10: table["Class4.1"], 11: table["Class4.1"],
    }  # fmt: skip
    for number, expected in reached.items():
        np.testing.assert_allclose(total(number), expected, atol=1e-9)


def test_about_one_and_a_half_per_cent_are_odd_and_they_are_the_odd_ones(truth):
    odd = odd_fraction(truth, SEED)["Class6.1"] > 0.9
    assert 0.007 < odd.mean() < 0.03
    strange = (
        truth["merging"]
        | (truth["irregularity"] > 0)
        | (truth["disturbance"] > 0.3)
        | (truth["ring_strength"] > 0.3)
        | truth["lensed"]
        | truth["overlapped"]
        | truth["dust_lane"]
    )
    assert strange[odd].all()


def test_galaxy_ids_differ_between_hemispheres():
    assert galaxy_id("J000000.00+000000.0") != galaxy_id("J000000.00-000000.0")
    assert galaxy_id("J235959.99-895959.9") < 2**63
