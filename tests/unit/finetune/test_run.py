"""Fine-tuning runs: what they write, the same again, going on after a stop, and what is refused."""

import json
import logging

import numpy as np
import pandas as pd
import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.finetune import network as module
from workflow.lib.finetune.classifier_files import Kept, read_classifier
from workflow.lib.finetune.network import Stage
from workflow.lib.finetune.predict import predict_labels, probabilities
from workflow.lib.finetune.run import Run, finetune
from workflow.lib.network.encoder import load_encoder, random_encoder, save_encoder

RECIPE = {"images_seen": 160, "patience": {"part": 6, "least": 3, "most": 5}}
SETTINGS = {
    "crop_size": 32,
    "split": {"validation_share": 0.2, "test_share": 0.2, "copies": 2},
    "head": {"units": [8], "dropout": 0.25},
    "batch_size": 8,
    "stages": {
        "frozen": {**RECIPE, "learning_rate": 1e-2},
        "finetuned": {**RECIPE, "learning_rate": 1e-3},
        "scratch": {**RECIPE, "learning_rate": 1e-3},
    },
    "frozen_views": None,
    "test_passes": 2,
    "momentum": 0.9,
    "precision": "mixed_bfloat16",
}
SIZES = [3, 20]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Bright galaxies have the label, and dark ones have it not; random encoders."""
    folder = tmp_path_factory.mktemp("finetune")
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3 == 0
    images = rng.integers(0, 60, (60, 40, 40, 1)) + 120 * labels[:, None, None, None]
    np.save(folder / "images.npy", images.astype(np.uint8))
    names = [f"J{number}" for number in range(60)]
    table = pd.DataFrame({"iauname": names, "label": labels.astype(int)})
    table.to_csv(folder / "labels.csv", index=False)
    encoder = random_encoder(32, seed=1)
    # Else its outputs would be nearly nothing, whatever the image.
    encoder.get_layer("top_bn").gamma.assign(1e5 * np.ones(1280))
    save_encoder(encoder, folder / "grey/encoder.weights.h5", label="", training=None, seed=1)
    return folder


def run_in(folder, sizes, where, keep=None, weights="grey", **changed):
    runs = [Run(size, 0, 10 + size, folder / where / f"n{size}_r0.json") for size in sizes]
    finetune(
        runs,
        folder / "images.npy",
        folder / "labels.csv",
        weights and folder / weights / "encoder.weights.h5",
        task="bright",
        survey="sky",
        pretraining=weights or "scratch",
        depth="top",
        settings={**SETTINGS, **changed},
        keep=keep,
    )
    return [json.loads(run.metrics.read_text()) for run in runs]


def timeless(result):
    """All of a result but how long it took."""
    models = [{**model, "seconds": 0} for model in result["models"]]
    return {**result, "models": models, "seconds": 0}


@pytest.fixture(scope="module")
def results(folder):
    return run_in(folder, SIZES, "whole")


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


def test_one_run_alone_gives_the_same_bits(folder, results):
    files = Kept(*(folder / "kept" / name for name in ("encoder.weights.h5", "c.npz", "split.csv")))
    (alone,) = run_in(folder, [20], "alone", keep=files)
    assert timeless(alone) == timeless(results[1])
    assert not list((folder / "alone").glob("*.training-*"))

    # What was kept is what was scored.
    encoder, description = load_encoder(files.weights, 32)
    assert description["training"]["task"] == "bright"
    split = pd.read_csv(files.split).set_index("iauname")["set"]
    assert (split == "test").sum() == 8
    images = np.load(folder / "images.npy")[:, 4:36, 4:36].astype(np.float32)
    vectors = encoder.predict(images, verbose=0)
    found = probabilities(read_classifier(files.head), vectors) > 0.5
    assert (found == (np.arange(60) % 3 == 0)).mean() > 0.8


def test_predictions_name_each_galaxy_of_the_survey_and_its_set(folder, results, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = Kept(*(folder / "kept" / name for name in ("encoder.weights.h5", "c.npz", "split.csv")))
    images = np.load(folder / "images.npy")[:, :, :, 0]
    names = [f"J{number}" for number in range(60)]
    fields = {"iauname": pa.string(), "grey": pa.binary(1600)}
    schema = pa.schema(fields, metadata={"network_size": "40", "network_field": "1"})
    greys = [image.tobytes() for image in images]
    pq.write_table(pa.Table.from_pydict({"iauname": names, "grey": greys}, schema), tmp_path / "s")
    options = {"crop_size": 32, "batch_size": 16, "seed": 1, "views": 1}
    for same in (True, False):
        predict_labels([tmp_path / "s"], files, tmp_path / "p.parquet", same_survey=same, **options)
        table = pd.read_parquet(tmp_path / "p.parquet")
        assert table["iauname"].tolist() == names
        assert ((table["probability"] > 0.5) == (np.arange(60) % 3 == 0)).mean() > 0.8
        sets = {"train", "validation", "test", "unseen"} if same else {"unseen"}
        assert set(table["set"]) == sets


def test_a_stopped_run_goes_on_and_ends_where_it_would_have(
    folder, results, tmp_path, monkeypatch, caplog
):
    """Stopped while it fine-tunes the first size, with everything saved between calls."""
    monkeypatch.setattr(module, "SAVED_EVERY", 0)
    monkeypatch.setattr(module, "STEPS_A_CALL", 6)
    whole = module.Network._learn
    stopped = []

    def stop(network, stage, learner, *rest):
        own = learner.epochs

        def epochs(*arguments):
            if stage == "finetuned" and stopped:
                raise KeyboardInterrupt
            if stage == "finetuned":
                stopped.append(stage)
            return own(*arguments)

        learner.epochs = epochs
        return whole(network, stage, learner, *rest)

    monkeypatch.setattr(module.Network, "_learn", stop)
    with pytest.raises(KeyboardInterrupt):
        run_in(folder, [20], "stopped")
    assert not (folder / "stopped/n20_r0.json").exists()
    monkeypatch.setattr(module.Network, "_learn", whole)
    with caplog.at_level(logging.INFO):
        (found,) = run_in(folder, [20], "stopped")
    assert "finetuned: going on after epoch 2" in caplog.text
    assert timeless(found) == timeless(results[1])


def test_from_scratch_there_is_one_model_and_all_of_it_is_trained(folder):
    (result,) = run_in(folder, [20], "scratch", weights=None)
    (model,) = result["models"]
    assert model["stage"] == "scratch"
    assert result["weights"] is None
    assert model["weights"] > 400_000


def test_few_views_may_take_turns_while_the_encoder_is_frozen(folder):
    (result,) = run_in(folder, [20], "turns", frozen_views=2)
    assert result["models"][0]["accuracy"] > 0.8


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sizes": [21, 99]}, "at most .* not 99"),
        ({"weights": "colour"}, "made for colour images, not grey ones; .* 'finetune.colour'"),
        ({"weights": "large"}, "made for images of 64 pixels, not 32"),
        ({"weights": "none"}, "no such weights"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(folder, changed, message):
    for name, size, channels in (("colour", 32, 3), ("large", 64, 1)):
        path = folder / name / "encoder.weights.h5"
        if not path.exists():
            encoder = random_encoder(size, 1, channels)
            save_encoder(encoder, path, label="", training=None, seed=1)
    arguments = {"sizes": [3], "where": "refused", **changed}
    with pytest.raises(UserError, match=message) as caught:
        run_in(folder, **arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("size", "epochs", "patience"),
    [(1, 5_000_000, 30), (25_263, 197, 30), (69_620, 71, 11), (5_000_000, 1, 10)],
)
def test_epochs_and_patience_are_the_papers(size, epochs, patience):
    stage = Stage(1e-3, 5_000_000, {"part": 6, "least": 10, "most": 30})
    assert (stage.epochs(size), stage.patient(size)) == (epochs, patience)
