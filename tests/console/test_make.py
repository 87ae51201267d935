"""`make help`, and the installation of packages."""

import re
import subprocess

import pytest

from tests.conftest import ROOT


def test_help_lists_every_target_with_a_line():
    made = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = dict(re.findall(r"^make ([\w-]+) +(\S.*)$", made.stdout, re.M))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert set(listed) == set(phony.split())


@pytest.fixture
def install(tmp_path):
    """Give a function that runs envs/install.sh with a stand-in for pip."""
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/lib/python3.11/site-packages/a-1.dist-info").mkdir(parents=True)
    (tmp_path / "lock").write_text("# comment\na==1 \\\n    --hash=sha256:0\nb==2\n    # via a\n")

    def run_it(commands):
        pip = tmp_path / "venv/bin/pip"
        pip.write_text(f"#!/bin/bash\n{commands}\n")
        pip.chmod(0o755)
        return subprocess.run(
            [ROOT / "envs/install.sh", "venv", "lock"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return run_it


def test_an_installation_says_how_far_it_is(install):
    done = install(
        "echo Collecting a; sleep 11; echo Installing collected packages: a, b; sleep 11"
    )
    assert done.returncode == 0
    assert done.stderr == ""
    first, *steps = done.stdout.splitlines()
    assert first.startswith("Installing 2 packages into venv")
    assert [line.strip() for line in steps] == ["10 s: downloaded 1 of 2", "20 s: unpacked 1 of 2"]


def test_a_failed_installation_shows_the_end_of_pips_messages(install):
    done = install("echo no space left; exit 2")
    assert done.returncode == 1
    assert "no space left" in done.stderr
    assert "error: pip could not install" in done.stderr
