"""A job that was given a GPU uses it, or stops."""

import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.network.devices import GIVEN, PRETEND, check_gpus, device_name, give_gpus


@pytest.fixture(autouse=True)
def outside_of_any_cluster(monkeypatch):
    for name in (*GIVEN, PRETEND):
        monkeypatch.delenv(name, raising=False)


def test_without_a_gpu_that_was_given_a_job_may_use_the_cpu(monkeypatch):
    check_gpus(1)
    monkeypatch.setenv("SLURM_GPUS_ON_NODE", "0")
    check_gpus(1)


@pytest.mark.parametrize(("name", "value"), [("SLURM_GPUS_ON_NODE", "2"), (GIVEN[-1], "1")])
def test_a_job_that_was_given_a_gpu_and_sees_none_says_what_is_missing(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError) as error:
        check_gpus(1)
    assert str(error.value).startswith(f"this job asked for 1 GPU(s) and was given some ({name}=")
    assert "sees 0: its environment has" in str(error.value)
    check_gpus(0)


def test_gpus_given_to_a_run_without_a_cluster_are_known_to_its_jobs(monkeypatch):
    monkeypatch.setenv(GIVEN[-1], "0")
    give_gpus(1)
    with pytest.raises(UserError, match=rf"{GIVEN[-1]}=1"):
        check_gpus(1)


def test_the_pretend_gpu_of_tests_passes(monkeypatch):
    monkeypatch.setenv("SLURM_GPUS_ON_NODE", "1")
    monkeypatch.setenv(PRETEND, "1")
    check_gpus(1)


def test_the_lack_of_a_gpu_has_a_name():
    assert device_name() == "no GPU"
