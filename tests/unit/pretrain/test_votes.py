"""Votes: reading counts, refusing rare features, and splitting galaxies into sets."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workflow.lib.common.errors import UserError
from workflow.lib.pretrain.votes import (
    answer_columns,
    expected_fractions,
    held_out_names,
    question_slices,
    read_votes,
    split_names,
    votes_table,
)
from workflow.lib.sources.sky import decision_tree

CONFIG = yaml.safe_load((Path(__file__).parents[3] / "config/config.yaml").read_text())
QUESTIONS = CONFIG["pretraining"]["questions"]
NAMES = [f"J{number:06d}.00+000000.0" for number in range(20_000)]
SHARES = {"validation_share": 0.1, "test_share": 0.2}
SMALL = {"bar": ["yes", "no"], "bulge": ["big", "small", "none"]}


def catalogue(folder, **changes):
    table = {
        "iauname": ["J1", "J2", "J3"],
        "bar_yes": [1, 5, None],
        "bar_no": [3, 0, None],
        "bulge_big": [0, 2, None],
        "bulge_small": [0, 0, None],
        "bulge_none": [0, 1, None],
        "rare-features_ring": [9, 9, 9],
        "rare-features_ring_fraction": [0.9, 0.9, 0.9],
    }
    pd.DataFrame({**table, **changes}).to_parquet(folder / "c.parquet")
    return folder / "c.parquet"


def test_the_tree_has_the_papers_10_questions_and_34_answers():
    assert len(QUESTIONS) == 10
    assert len(answer_columns(QUESTIONS)) == 34
    assert CONFIG["pretraining"]["tasks"]["all"] == list(QUESTIONS)
    assert {name: list(answers) for name, answers in decision_tree.QUESTIONS.items()} == QUESTIONS


def test_counts_are_read_in_the_order_of_questions_and_missing_ones_are_zero(tmp_path):
    names, counts = read_votes(catalogue(tmp_path), SMALL)
    assert names == ["J1", "J2", "J3"]
    assert counts.dtype == np.float32
    assert counts.tolist() == [[1, 3, 0, 0, 0], [5, 0, 2, 0, 1], [0, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    "questions",
    [
        {"rare-features": ["ring", "irregular"]},
        {"bar": ["yes", "no"], "rare-features": ["ring"]},
        # Through a question and an answer that together make the column's name.
        {"rare": ["features_ring"], "rare-features_ring": ["fraction", "x"]},
    ],
)
def test_rare_features_are_never_read(tmp_path, questions):
    with pytest.raises(UserError, match="must not be learned"):
        read_votes(catalogue(tmp_path), questions)


@pytest.mark.parametrize(
    ("column", "value", "said"), [("bar_no", -1.0, "-1"), ("bulge_big", np.inf, "inf")]
)
def test_an_invalid_count_is_named_with_its_galaxy(tmp_path, column, value, said):
    path = catalogue(tmp_path, **{column: [1.0, value, 2.0]})
    with pytest.raises(UserError) as caught:
        read_votes(path, SMALL)
    assert f"{path}: {column} of J2 is {said}, not a count" in str(caught.value)


def test_a_missing_answer_is_named(tmp_path):
    with pytest.raises(UserError, match="no column 'bar_weak'"):
        read_votes(catalogue(tmp_path), {"bar": ["yes", "weak"]})


def test_slices_select_the_answers_of_each_question():
    columns = answer_columns(QUESTIONS)
    for question, place in question_slices(QUESTIONS).items():
        assert columns[place] == [f"{question}_{answer}" for answer in QUESTIONS[question]]


def test_the_sets_have_the_requested_shares():
    sets = split_names(NAMES, 1, **SHARES)
    shares = {name: (sets == name).mean() for name in ("train", "validation", "test")}
    assert shares == pytest.approx({"train": 0.7, "validation": 0.1, "test": 0.2}, abs=0.01)


@given(order=st.permutations(range(50)), seed=st.integers(0, 2**32 - 1))
def test_a_galaxys_set_depends_only_on_its_name_and_the_seed(order, seed):
    sets = split_names(NAMES[:50], seed, **SHARES)
    assert (split_names([NAMES[i] for i in order], seed, **SHARES) == sets[order]).all()


def test_another_seed_gives_other_sets():
    first, other = split_names(NAMES, 1, **SHARES), split_names(NAMES, 2, **SHARES)
    assert 0.15 < (other[first == "test"] == "test").mean() < 0.25


def test_only_the_test_set_of_the_survey_trained_on_is_held_out():
    training = {"survey": "decals", "split": {"seed": 1, **SHARES}}
    held_out = held_out_names(NAMES, "decals", training)
    assert (held_out == (split_names(NAMES, 1, **SHARES) == "test")).all()
    assert held_out_names(NAMES, "gz2", training).all()
    assert held_out_names(NAMES, "decals", None).all()
    assert held_out_names(NAMES, "decals", {"pictures": 100}).all()


def test_no_galaxy_counts_as_held_out_if_the_split_is_unknown():
    training = {"survey": "decals", "split": None}
    assert not held_out_names(NAMES, "decals", training).any()
    assert held_out_names(NAMES, "gz2", training).all()


def test_fractions_sum_to_one_within_a_question():
    concentrations = np.random.default_rng(0).uniform(1, 101, (9, 5))
    table = votes_table(NAMES[:9], concentrations, np.ones(9, bool), SMALL)
    for question, answers in SMALL.items():
        columns = [f"{question}_{answer}_automated-fraction" for answer in answers]
        assert table[columns].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(
        expected_fractions(concentrations, SMALL)[:, 0],
        concentrations[:, 0] / (concentrations[:, 0] + concentrations[:, 1]),
    )
    assert table["bar_yes_concentration"].to_numpy() == pytest.approx(concentrations[:, 0])
