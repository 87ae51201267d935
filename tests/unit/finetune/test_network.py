"""The models of a run: how they learn, and for how long."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.unit.finetune.conftest import SETTINGS, SIZES, run_in
from workflow.lib.finetune.network import Stage
from workflow.lib.finetune.run import SeededRun, finetune_head
from workflow.lib.finetune.splits import read_labels
from workflow.lib.finetune.tabulate import tabulate
from workflow.lib.network.encoder import describe_table
from workflow.lib.represent.vector_files import representation_schema, representation_table

pytestmark = pytest.mark.thorough


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


def test_a_head_learns_from_representations_without_their_network(folder, tmp_path):
    """As the frozen stage of a network, on the galaxies that the table has."""
    names, known = read_labels(folder / "labels.csv")
    vectors = np.random.default_rng(0).normal(size=(60, 5)) + 6 * known[:, None]
    longer = {"images_seen": 4000, "patience": {"part": 6, "least": 50, "most": 50}}
    frozen = SETTINGS["stages"]["frozen"] | longer
    settings = SETTINGS | {"stages": {"frozen": frozen}}
    some = np.arange(60)[:10:-1]
    table = representation_table(
        [names[row] for row in some], vectors[some].astype(np.float32), representation_schema(5)
    )
    pq.write_table(table, tmp_path / "representation.parquet")
    describe_table("dino.csv", tmp_path / "encoder.json")
    runs = [SeededRun(size, 0, 10 + size, tmp_path / f"n{size}_r0.json") for size in SIZES]
    files = ["representation.parquet", "encoder.json"]
    made = tmp_path / files[0], folder / "labels.csv", tmp_path / files[1]
    finetune_head(runs, *made, task="bright", survey="sky", pretraining="dino", settings=settings)
    results = [json.loads(run.metrics.read_text()) for run in runs]
    for size, result in zip(SIZES, results, strict=True):
        (model,) = result["models"]
        assert (model["stage"], result["depth"]) == ("frozen", "frozen")
        assert model["weights"] == 5 * 8 + 8 + 8 + 1
        assert result["galaxies"]["train"] == size
        assert result["galaxies"]["test"] == 2 * int(0.4 * known[11:].sum() + 1e-6) // 2
        assert result["weights"]["label"] == "representations of a given table, dino.csv"
    assert results[1]["models"][0]["accuracy"] > 0.8
    tabulate([run.metrics for run in runs], tmp_path / "models.csv", tmp_path / "costs.csv")
    assert len(pd.read_csv(tmp_path / "models.csv")) == len(SIZES)
