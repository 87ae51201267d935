"""Fixtures shared by several folders of tests."""

import os
import shutil
import subprocess
import sys

import pytest
from filelock import FileLock
from hypothesis import settings

from tests.browser import CHROMIUM, FLAGS, need
from tests.crates import install_validator
from tests.project import ROOT, Project, small_project

# No deadline for a single example: the machine may be shared.
settings.register_profile("quick", deadline=None, max_examples=20)
settings.register_profile("thorough", deadline=None)
settings.load_profile("thorough")

# One thread for TensorFlow in the tests' own processes, so that every run gives the same bytes.
os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"

SHARED = ROOT.parent / "shared" / "data"


THOROUGH = {"chromium", "cluster", "bare", "branch", "own", "planned", "validator", "with_jax"}
"""Fixtures of tests that take long: a browser, a cluster, Snakemake's runs and plans, packages."""


FIRST = ("test_slurm", "test_kills")
"""Files whose tests run for minutes one after the other; if they began last, all would wait."""


def pytest_collection_modifyitems(items):
    """Leave tests that take long to `make test-all`, which begins with the longest files."""
    for item in items:
        if THOROUGH & set(item.fixturenames):
            item.add_marker(pytest.mark.thorough)
    items.sort(key=lambda item: item.path.stem not in FIRST)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real galaxies; tests that use it are skipped without one."""
    if not SHARED.exists():
        pytest.skip("no folder of real galaxies (../shared/data) on this machine")
    return SHARED


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A project in which `make toy` has run; tests must not change it.

    If tests run in several processes, the first that needs the project makes it for all.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished" / "morphoflow"
    with FileLock(folder.parents[1] / "finished.lock"):
        if (folder / "made").exists():
            return Project(folder)
        shutil.rmtree(folder, ignore_errors=True)  # left by a process in which `make toy` failed
        project = small_project(folder)
        project.sh("make toy")
        (folder / "made").touch()
    return project


@pytest.fixture(scope="session")
def validator(tmp_path_factory):
    """The Python of an environment with the validator of RO-Crates."""
    return install_validator(tmp_path_factory.mktemp("validator"))


@pytest.fixture(scope="session")
def with_jax(tmp_path_factory):
    """The environment variables with which Keras uses JAX, which is in a folder of its own."""
    folder = tmp_path_factory.mktemp("jax")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    lock = ["--no-deps", "--require-hashes", "-r", ROOT / "tests/jax.lock"]
    subprocess.run([*pip, *lock, "--target", folder], check=True)
    return os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(folder)}


@pytest.fixture(scope="session")
def chromium():
    """A real browser."""
    need(CHROMIUM, os.environ)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
