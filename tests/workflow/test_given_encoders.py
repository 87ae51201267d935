"""Encoders that a user brings, and that one gives to others, on the smallest sky."""

import json

import numpy as np

from tests.workflow.test_toy import RESULTS
from workflow.lib.network.encoder import load_encoder

GIVEN = "pretraining: {{shown: given, weights: {{given: {}}}}}"
TAKEN = f"{RESULTS}/3_pretrain/given/encoder.weights.h5"


def test_a_users_weights_are_copied_with_their_description(branch):
    random = branch.folder / RESULTS / "3_pretrain/random/encoder.weights.h5"
    branch.toy(TAKEN, GIVEN.format(random.relative_to(branch.folder)))
    descriptions = [
        json.loads((path.parent / "encoder.json").read_text())
        for path in (random, branch.folder / TAKEN)
    ]
    assert descriptions[0] == descriptions[1]
    size = descriptions[0]["size"]
    images = np.random.default_rng(0).integers(0, 255, (2, size, size, 1)).astype(np.float32)
    outputs = [
        load_encoder(path, size)[0].predict_on_batch(images)
        for path in (random, branch.folder / TAKEN)
    ]
    np.testing.assert_array_equal(*outputs)


def test_an_encoder_in_half_precision_with_its_scores_can_be_given_to_others(branch):
    made = ["evaluate_shipped", "probe_shipped", "ship_encoder", "shipped"]
    assert branch.jobs(f"shipped {branch.toy_with('')}") == dict.fromkeys(made, 1)
    branch.toy("shipped")
    shipped = branch.folder / "results/toy/shipped"
    description = json.loads((shipped / "encoder.json").read_text())
    assert set(description["scores"]["area under the curve"]) == {"ring"}
    assert len(description["scores"]["error of vote fractions"]) == 10
    assert description["recipe"]["simulation"]["galaxies"] == 240
    branch.toy(TAKEN, GIVEN.format("results/toy/shipped/encoder.weights.h5"))


def test_weights_without_a_description_are_refused(branch):
    (branch.folder / "given.weights.h5").write_bytes(b"no json beside it")
    output = branch.toy(TAKEN, GIVEN.format("given.weights.h5"), check=False)
    (line,) = [line for line in output.splitlines() if "encoder.json" in line]
    assert line.startswith("encoder.json: missing")
    assert "Traceback" not in output
