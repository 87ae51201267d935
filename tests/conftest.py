"""Fixtures that several tests share."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

# A test's examples may take as long as a shared machine needs.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real galaxies, where there is one."""
    if not SHARED.exists():
        pytest.skip("no folder of real galaxies (../shared/data) on this machine")
    return SHARED


@pytest.fixture(scope="session")
def one_thread():
    """Hold TensorFlow to one thread, which it allows only before its first operation."""
    from workflow.lib.embed import use_threads

    use_threads(1)


def copy_project(target):
    """Copy what git would commit, and give it this project's environment."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        source = ROOT / name
        if source.is_symlink() or source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
    (target / ".venv").symlink_to(ROOT / ".venv")
    return target
