"""Runs: the same again, resumed after a stop, and what is refused."""

import logging
import shutil

import numpy as np
import pytest

from tests.unit.finetune.conftest import run_in, timeless
from workflow.lib.common.errors import UserError
from workflow.lib.finetune import compiled_training, network
from workflow.lib.network.encoder import random_encoder, save_encoder

pytestmark = pytest.mark.thorough


def test_one_run_alone_gives_the_same_bits(folder, results, kept):
    _, alone = kept
    assert timeless(alone) == timeless(results[1])
    assert not list((folder / "alone").glob("*.training-*"))


def test_a_stopped_run_resumes_and_gives_the_same_result(folder, results, monkeypatch, caplog):
    """Stopped in its second call of fine-tuning, with everything saved between calls."""
    monkeypatch.setattr(compiled_training, "SAVED_EVERY", 0)
    monkeypatch.setattr(network, "STEPS_A_CALL", 6)
    whole = compiled_training.CompiledTraining.fit
    calls = []

    def stop(training, *arguments, saved, **options):
        own = training.loop.run

        def run(*arguments):
            if saved.stem == "finetuned" and calls:
                raise KeyboardInterrupt
            if saved.stem == "finetuned":
                calls.append(saved)
            return own(*arguments)

        monkeypatch.setattr(training.loop, "run", run)
        return whole(training, *arguments, saved=saved, **options)

    with monkeypatch.context() as patched:
        patched.setattr(compiled_training.CompiledTraining, "fit", stop)
        with pytest.raises(KeyboardInterrupt):
            run_in(folder, [20], "stopped")
    assert not (folder / "stopped/n20_r0.json").exists()
    with caplog.at_level(logging.INFO):
        (found,) = run_in(folder, [20], "stopped")
    assert "finetuned: resumed after epoch 2" in caplog.text
    assert timeless(found) == timeless(results[1])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sizes": [21, 99]}, "at most .* not 99"),
        ({"weights": "colour"}, "made for colour images, not grey ones; .* 'finetune.colour'"),
        ({"weights": "large"}, "made for images of 64 pixels, not 32"),
        ({"weights": "none"}, "no such weights"),
    ],
)
def test_sizes_and_weights_that_do_not_fit_are_one_clear_line(folder, changed, message):
    for name, size, channels in (("colour", 32, 3), ("large", 64, 1)):
        path = folder / name / "encoder.weights.h5"
        if not path.exists():
            encoder = random_encoder(size, 1, channels)
            save_encoder(encoder, path, label="", training=None, seed=1)
    arguments = {"sizes": [3], "where": "refused", **changed}
    with pytest.raises(UserError, match=message) as caught:
        run_in(folder, **arguments)
    assert "\n" not in str(caught.value)


def test_images_replaced_under_the_same_names_are_not_resumed_from(folder, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    def unfinished():
        with pytest.raises(KeyboardInterrupt):
            run_in(other, [3], "stopped")
        return {path.name for path in (other / "stopped").glob("n3_r0.training-*")}

    monkeypatch.setattr(network.Network, "run", stop)
    other = shutil.copytree(folder, tmp_path / "other")
    first = unfinished()
    assert len(first) == 1
    assert unfinished() == first
    images = np.load(other / "images.npy")
    images[3, 5, 5] += 1
    np.save(other / "images.npy", images)
    assert len(unfinished()) == 2
