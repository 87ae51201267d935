"""Disk, GPUs, the cluster, the contact address and weights."""

import re

import pytest

from tests.unit.preflight.conftest import job
from workflow.lib.network.encoder import description_path
from workflow.lib.planning.config import merged
from workflow.lib.preflight.check import Machine, check
from workflow.lib.preflight.machine import disk_problems, partition_problems

FETCH = job("fetch_cutouts", survey="decals", shard="000-of-200")


def test_the_disk_must_hold_what_the_jobs_write(paper):
    assert check([FETCH], paper, Machine())[0].startswith("note: ")  # its catalogue is not there
    kilobytes = {"cost": {"rules": {"directory": {"seconds": 1, "kilobytes": 1e12}}}}
    lines = check([FETCH], merged(paper, kilobytes), Machine())
    (line,) = [line for line in lines if not line.startswith("note: ")]
    assert line.startswith("results, data: the run needs about 1,528,285,000.0 GB, and the disk")


def test_the_space_for_a_survey_of_unknown_size_is_not_guessed(paper):
    changed = {"surveys": {"own": paper["surveys"]["gz2"]}}
    changed["cost"] = {"rules": {"directory": {"seconds": 1, "kilobytes": 1e12}}}
    fetch = job("fetch_cutouts", survey="own", shard="00-of-60")
    assert not any("GB" in line for line in check([fetch], merged(paper, changed), Machine()))


def test_folders_on_one_disk_are_added_up_even_if_they_do_not_exist_yet(tmp_path):
    half = {str(tmp_path / "a/b"): 0.6e18, str(tmp_path / "c"): 0.6e18}
    (line,) = disk_problems(half)
    assert "needs about 1,200,000,000.0 GB" in line
    assert list(disk_problems({str(tmp_path / "a"): 1.0})) == []


def test_the_legacy_survey_wants_an_address(paper):
    by_service = {"surveys": {"decals": {"images": {"source": "legacysurvey"}}}}
    service = merged(paper, by_service)
    for contact in (None, "", "me"):
        change = {"legacysurvey": {"contact": contact}}
        lines = check([FETCH], merged(service, change), Machine())
        assert any(line.startswith("config: 'legacysurvey.contact' is not") for line in lines)
    assert not any("contact" in line for line in check([FETCH], service, Machine()))
    gz2 = job("fetch_cutouts", survey="gz2", shard="00-of-60")
    assert not any("contact" in line for line in check([gz2], paper, Machine()))


def test_gpus_that_are_asked_for_must_be_seen(paper):
    train = job("pretrain_encoder", gpus=1, pretraining="all")
    lines = check([train], paper, Machine(gpus=99))
    assert any(line.startswith("--resources gpu=99: 'nvidia-smi -L' lists") for line in lines)
    lines = check([train], paper, Machine())
    assert all(line.startswith("note: ") for line in lines)


@pytest.mark.parametrize(
    ("gpu", "offered", "message"),
    [
        ("", "(null)\n", None),
        ("gpu:a100:", "gpu:a100:4(S:0-1)\n", None),
        ("gpu:a100:", "gpu:h100:4\n(null)\n", r"no 'gpu:a100' in partition 'p' \(it has .*h100"),
        ("", "", "Slurm has no partition 'p'"),
    ],
)
def test_a_partition_must_offer_the_gpu(gpu, offered, message):
    lines = list(partition_problems("p", gpu, offered))
    assert len(lines) == (message is not None)
    assert all(re.search(message, line) for line in lines)


def given(paper, path):
    change = {
        "pretraining": {"weights": {"given": str(path)}},
        "representation": {"crop_size": 64},
    }
    return check([job("copy_encoder", pretraining="given")], merged(paper, change), Machine())


@pytest.mark.thorough
def test_weights_are_loaded_as_the_job_loads_them(paper, weights, tmp_path):
    assert given(paper, weights) == []
    damaged = tmp_path / "encoder.weights.h5"
    damaged.write_bytes(weights.read_bytes()[:100_000])
    description_path(damaged).write_text(description_path(weights).read_text())
    (line,) = given(paper, damaged)
    assert line.startswith(f"{damaged}: not weights of this EfficientNetB0")
    description_path(damaged).unlink()
    assert "encoder.json: missing" in given(paper, damaged)[0]
