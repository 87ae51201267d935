"""Votes follow the decision tree and the truth; each table keeps its format."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from tests.unit.sources.sky.conftest import SEED
from workflow.lib.sources.sky.challenge import challenge_answers
from workflow.lib.sources.sky.decision_tree import NEXT_QUESTION, QUESTIONS, answer_columns
from workflow.lib.sources.sky.forum import forum_tags
from workflow.lib.sources.sky.profiles import EDGE_ON
from workflow.lib.sources.sky.volunteers import (
    automated_fractions,
    rare_features,
    volunteer_votes,
)


def auc(scores, positive):
    scores, positive = np.asarray(scores), np.asarray(positive, bool)
    known = np.isfinite(scores)
    scores, positive = scores[known], positive[known]
    wins = mannwhitneyu(scores[positive], scores[~positive]).statistic
    return wins / positive.sum() / (~positive).sum()


def test_only_observed_galaxies_have_votes_and_some_of_them_have_none(truth, votes):
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
        counts = votes[answer_columns(question)]
        assert (counts.dtypes == np.int32).all()
        assert votes[f"{question}_total-votes"].dtype == np.int32
        assert (counts.sum(axis=1) == votes[f"{question}_total-votes"]).all()
        assert (votes[f"{question}_total-votes"] == asked[question]).all()
        for answer, then in following.items():
            if then:
                asked[then] = asked[then] + votes[f"{question}_{answer}"]


def test_fractions_are_counts_over_totals_and_missing_without_votes(votes):
    for question in QUESTIONS:
        total = votes[f"{question}_total-votes"].to_numpy()
        fractions = votes[answer_columns(question, "_fraction")]
        np.testing.assert_array_equal(fractions.isna().all(axis=1), total == 0)
        expected = votes[answer_columns(question)].to_numpy()[total > 0] / total[total > 0, None]
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


def test_rings_and_other_galaxies_to_fine_tune_on_are_both_common(votes, rare, automated):
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
        np.testing.assert_allclose(automated[answer_columns(question, "_fraction")].sum(axis=1), 1)
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
def test_votes_do_not_depend_on_the_other_galaxies_in_the_table(data, truth, votes, rare):
    rows = data.draw(st.lists(st.integers(0, 199), min_size=1, max_size=25, unique=True))
    part = truth.iloc[rows]
    names = part["iauname"]

    def rows_of(table, key="iauname"):
        return table[table[key].isin(names)].sort_values(key).reset_index(drop=True)

    some = volunteer_votes(part, SEED)
    pd.testing.assert_frame_equal(rows_of(some), rows_of(votes))
    pd.testing.assert_frame_equal(rows_of(rare_features(part, some, SEED)), rows_of(rare))


def test_tables_without_galaxies_keep_their_columns(truth, votes, rare, automated):
    nobody = truth.head(0)
    assert list(volunteer_votes(nobody, SEED)) == list(votes)
    assert list(rare_features(nobody, votes.head(0), SEED)) == list(rare)
    assert list(automated_fractions(nobody, SEED)) == list(automated)
    assert list(forum_tags(nobody, SEED, {})) == ["iauname", "tag"]
    assert list(challenge_answers(nobody, SEED)) == list(challenge_answers(truth.head(3), SEED))
