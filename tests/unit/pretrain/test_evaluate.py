"""Scores against the best constant, and probes that know what they were not told."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import dirichlet_multinomial

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import write_json
from workflow.lib.common.tables import write_parquet
from workflow.lib.network.encoder import DESCRIPTION_KEYS
from workflow.lib.pretrain.dirichlet import best_constant, mean_loss
from workflow.lib.pretrain.evaluate import evaluate, score
from workflow.lib.pretrain.votes import votes_table
from workflow.lib.represent.probe import auc_error, cross_validated_auc, probe
from workflow.lib.represent.vector_files import representation_schema, representation_table

QUESTIONS = {"bar": ["yes", "no"], "bulge": ["big", "small", "none"]}


def test_the_best_constant_is_that_which_the_votes_were_drawn_from():
    rng = np.random.default_rng(0)
    truth = np.array([0.6, 2.0, 5.0])
    counts = np.array([rng.multinomial(30, rng.dirichlet(truth)) for _ in range(3000)])
    np.testing.assert_allclose(best_constant(counts), truth, rtol=0.08)


def test_no_other_constant_is_better():
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 20, (200, 3))
    counts[:, 0] += 1
    best = best_constant(counts)
    least = mean_loss(counts, np.broadcast_to(best, counts.shape))
    for factors in rng.uniform(0.7, 1.4, (20, 3)):
        assert mean_loss(counts, np.broadcast_to(best * factors, counts.shape)) >= least


def test_a_score_is_scipys_and_the_right_prediction_beats_the_constant():
    rng = np.random.default_rng(2)
    truth = rng.uniform(1, 40, (300, 2))
    counts = np.array([rng.multinomial(20, rng.dirichlet(row)) for row in truth])
    found = score(counts, truth)
    expected = -dirichlet_multinomial.logpmf(counts, truth, counts.sum(axis=1)).mean()
    assert found["loss"] == pytest.approx(expected)
    assert found["loss"] < found["constant_loss"]
    assert found["error"] < found["constant_error"]
    assert (found["galaxies"], found["votes"]) == (300, 6000)


def test_only_held_out_galaxies_that_were_asked_count(tmp_path):
    names = [f"J{number}" for number in range(40)]
    held_out = np.arange(40) < 30
    concentrations = np.full((40, 5), 3.0)
    votes_table(names, concentrations, held_out, QUESTIONS).to_parquet(tmp_path / "v.parquet")
    table = pd.DataFrame({"iauname": names[::-1]})
    for question, answers in QUESTIONS.items():
        for number, answer in enumerate(answers):
            table[f"{question}_{answer}"] = number + 1.0
    # Of the galaxies that were held out, J0 to J9 were asked of bars.
    table.loc[:29, ["bar_yes", "bar_no"]] = np.nan
    table.to_parquet(tmp_path / "c.parquet")
    evaluate({"all": tmp_path / "v.parquet"}, tmp_path / "c.parquet", QUESTIONS, tmp_path / "e.csv")
    found = pd.read_csv(tmp_path / "e.csv").set_index("question")
    assert found["galaxies"].to_dict() == {"bar": 10, "bulge": 30}
    assert found["votes"].to_dict() == {"bar": 30, "bulge": 180}
    assert found.loc["bar", "error"] == pytest.approx(1 / 6, abs=1e-4)


def test_a_probe_finds_what_is_linear_and_nothing_in_noise():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(600, 8))
    truth = vectors[:, 0] + 0.1 * rng.normal(size=600) > 1
    scored = np.arange(600) < 300
    assert cross_validated_auc(vectors, truth, scored, 5, 2, 1) > 0.97
    noise = rng.permutation(truth)
    assert 0.35 < cross_validated_auc(vectors, noise, scored, 5, 2, 1) < 0.65


def test_an_encoder_trained_on_no_one_knows_which_galaxies_is_not_probed(tmp_path):
    names = [f"J{number}" for number in range(20)]
    vectors = np.zeros((20, 3), np.float32)
    table = representation_table(names, vectors, representation_schema(3))
    write_parquet(table, tmp_path / "representation.parquet")
    rings = pd.DataFrame({"iauname": names, "ring": np.arange(20) / 20})
    rings.to_parquet(tmp_path / "catalogue.parquet")
    weights = tmp_path / "encoder.weights.h5"
    weights.touch()
    known = dict.fromkeys(DESCRIPTION_KEYS) | {"training": {"survey": "decals", "split": None}}
    write_json(known, tmp_path / "encoder.json")
    with pytest.raises(UserError, match=r"leave 'zoobot' out of 'probe\.pretrainings'"):
        probe(
            {"zoobot": tmp_path / "representation.parquet"},
            {"zoobot": weights},
            tmp_path / "catalogue.parquet",
            "decals",
            {"ring": {"column": "ring", "above": 0.5, "below": 0.4}},
            folds=2,
            repeats=1,
            seed=1,
            table=tmp_path / "probe.csv",
        )


def test_the_error_of_an_area_is_hanley_and_mcneils():
    # Their Table I: 51 positives, 58 negatives, area 0.893, standard error 0.032.
    assert auc_error(0.893, 51, 58) == pytest.approx(0.032, abs=0.0008)
