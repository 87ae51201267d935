"""A job that was given a GPU uses it, or stops; it keeps the memory that it frees."""

import subprocess
import sys

import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.network.devices import GIVEN, PRETEND, check_gpus, device_name, give_gpus

FAULTS = """
import ctypes, resource, sys, threading
from workflow.lib.network.devices import keep_freed_memory

if "keep" in sys.argv:
    keep_freed_memory()
library, size = ctypes.CDLL(None), 100 * 2**20
library.malloc.restype = ctypes.c_void_p


def use() -> None:
    place = ctypes.c_void_p(library.malloc(ctypes.c_size_t(size)))
    library.memset(place, 1, ctypes.c_size_t(size))
    library.free(place)


for turn in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Uses 100 MiB twice, and prints how many pages the system had to give each time."""


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


@pytest.mark.parametrize("keep", [True, False])
def test_freed_memory_is_kept(keep):
    command = [sys.executable, "-c", FAULTS, *["keep"] * keep]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    first, second = map(int, said.split())
    assert first > 10_000
    assert second < 1_000 if keep else second > 10_000
