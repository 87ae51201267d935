"""Scores of predicted votes, compared with those of the best constant prediction."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import dirichlet_multinomial

from workflow.lib.common.errors import UserError
from workflow.lib.pretrain.evaluate import evaluate, score
from workflow.lib.pretrain.votes import votes_table

QUESTIONS = {"bar": ["yes", "no"], "bulge": ["big", "small", "none"]}


def test_the_loss_agrees_with_scipy_and_the_true_concentrations_beat_the_constant():
    rng = np.random.default_rng(2)
    truth = rng.uniform(1, 40, (300, 2))
    counts = np.array([rng.multinomial(20, rng.dirichlet(row)) for row in truth])
    found = score(counts, truth)
    expected = -dirichlet_multinomial.logpmf(counts, truth, counts.sum(axis=1)).mean()
    assert found["loss"] == pytest.approx(expected)
    assert found["loss"] < found["constant_loss"]
    assert found["error"] < found["constant_error"]
    assert (found["galaxies"], found["votes"]) == (300, 6000)


def test_only_held_out_galaxies_with_votes_are_scored(tmp_path):
    names = [f"J{number}" for number in range(40)]
    held_out = np.arange(40) < 30
    concentrations = np.full((40, 5), 3.0)
    votes_table(names, concentrations, held_out, QUESTIONS).to_parquet(tmp_path / "v.parquet")
    table = pd.DataFrame({"iauname": names[::-1]})
    for question, answers in QUESTIONS.items():
        for number, answer in enumerate(answers):
            table[f"{question}_{answer}"] = number + 1.0
    # Of the held-out galaxies, only J0 to J9 have votes on bars.
    table.loc[:29, ["bar_yes", "bar_no"]] = np.nan
    table.to_parquet(tmp_path / "c.parquet")
    evaluate({"all": tmp_path / "v.parquet"}, tmp_path / "c.parquet", QUESTIONS, tmp_path / "e.csv")
    found = pd.read_csv(tmp_path / "e.csv").set_index("question")
    assert found["galaxies"].to_dict() == {"bar": 10, "bulge": 30}
    assert found["votes"].to_dict() == {"bar": 30, "bulge": 180}
    assert found.loc["bar", "error"] == pytest.approx(1 / 6, abs=1e-4)


def test_a_prediction_for_a_galaxy_that_is_not_in_the_catalogue_is_refused(tmp_path):
    votes_table(["J1", "J2"], np.ones((2, 5)), np.ones(2, bool), QUESTIONS).to_parquet(
        tmp_path / "v.parquet"
    )
    columns = [f"{question}_{answer}" for question in QUESTIONS for answer in QUESTIONS[question]]
    table = pd.DataFrame({"iauname": ["J1"], **dict.fromkeys(columns, 1.0)})
    table.to_parquet(tmp_path / "c.parquet")
    with pytest.raises(UserError, match=r"c\.parquet: no galaxy J2"):
        evaluate({"all": tmp_path / "v.parquet"}, tmp_path / "c.parquet", QUESTIONS, tmp_path / "e")
