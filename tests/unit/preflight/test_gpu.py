"""The plan's hours at a measured speed."""

import json

import pytest

from tests.project import ROOT
from workflow.lib.planning.config import read_config
from workflow.lib.planning.cost import Cost
from workflow.lib.preflight.gpu import at_speed


def test_hours_follow_the_measured_speed():
    config = read_config([])
    before = json.dumps(config)
    train = {"pretraining": "all"}
    embed = {"survey": "decals", "shard": "000-of-200", "pretraining": "all"}
    slower = Cost(at_speed(config, trained=200, embedded=100))
    start, seconds = config["cost"]["start"], Cost(config).seconds
    # The plan assumes 400 images/s for training.
    assert slower.seconds("pretrain_encoder", train) - start == pytest.approx(
        2 * (seconds("pretrain_encoder", train) - start)
    )
    assert slower.seconds("embed_cutouts", embed) - start == pytest.approx(305_657 / 200 / 100)
    assert json.dumps(config) == before


def test_the_profile_sends_the_check_to_a_gpu_node():
    profile = (ROOT / "slurm/profile.v9+.yaml").read_text()
    assert "measure_gpu: *gpu" in profile
