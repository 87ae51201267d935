"""The models of a run: how they learn, and for how long."""

import pytest

from tests.unit.finetune.conftest import SETTINGS, SIZES, run_in
from workflow.lib.finetune.network import Stage


def test_a_run_gives_a_frozen_and_a_finetuned_model_that_learn(results):
    for size, result in zip(SIZES, results, strict=True):
        assert [model["stage"] for model in result["models"]] == ["frozen", "finetuned"]
        assert result["galaxies"]["train"] == size
        assert result["galaxies"]["validation"] == result["galaxies"]["test"] == 8
        assert result["seed"] == 10 + size
        assert result["settings"] == SETTINGS
    frozen, finetuned = results[1]["models"]
    assert frozen["accuracy"] > 0.8
    assert finetuned["accuracy"] > 0.8
    assert finetuned["weights"] - frozen["weights"] == 320 * 1280


def test_from_scratch_there_is_one_model_with_all_layers_trained(folder):
    (result,) = run_in(folder, [20], "scratch", weights=None)
    (model,) = result["models"]
    assert model["stage"] == "scratch"
    assert result["weights"] is None
    assert model["weights"] > 400_000


def test_the_frozen_stage_may_use_few_views_in_turn(folder):
    (result,) = run_in(folder, [20], "turns", frozen_views=2)
    assert result["models"][0]["accuracy"] > 0.8


@pytest.mark.parametrize(
    ("size", "epochs", "patience"),
    [(1, 5_000_000, 30), (25_263, 197, 30), (69_620, 71, 11), (5_000_000, 1, 10)],
)
def test_epochs_and_patience_are_the_papers(size, epochs, patience):
    stage = Stage(1e-3, 5_000_000, {"part": 6, "least": 10, "most": 30}, "best")
    assert (stage.epochs(size), stage.patient(size)) == (epochs, patience)
