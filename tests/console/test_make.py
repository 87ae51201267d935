"""`make help`, and the installation of packages."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def test_help_lists_every_target_with_a_line():
    made = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = dict(re.findall(r"^make ([\w-]+) +(\S.*)$", made.stdout, re.M))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert set(listed) == set(phony.split())


def shown(path, *arguments):
    """Return what `make env` would run, where only programs of one folder are found."""
    return subprocess.run(
        [shutil.which("make"), "--dry-run", "--always-make", "env", *arguments],
        cwd=ROOT,
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_environment_is_made_by_the_newest_fitting_python(tmp_path):
    def python(name, *version):
        (tmp_path / name).write_text(
            f"#!/bin/bash\n[[ $2 == *sys.version_info* ]] || exit 1\n"
            f'{sys.executable} -c "import sys; sys.version_info = {version}; $2"\n'
        )
        (tmp_path / name).chmod(0o755)

    (tmp_path / "bash").symlink_to("/bin/bash")
    assert 'test -n ""' in shown(tmp_path)
    python("python3", 3, 14)
    assert 'test -n ""' in shown(tmp_path)
    python("python3", 3, 13)
    assert "python3 -m venv .venv\n" in shown(tmp_path)
    python("python3.11", 3, 11)
    python("python3.12", 3, 12)
    assert "python3.12 -m venv .venv\n" in shown(tmp_path)


@pytest.mark.parametrize(("gpu", "lock"), [("0", "requirements"), ("1", "requirements-cuda")])
def test_a_gpu_gets_the_lock_with_nvidias_libraries(gpu, lock):
    assert f"envs/install.sh .venv envs/{lock}.lock\n" in shown(os.environ["PATH"], f"GPU={gpu}")


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


SECOND = """#!/bin/bash
echo >> seconds
case $(wc -l < seconds) in
    1) read < begun ;;
    15) echo "Installing collected packages: a, b" >> venv/pip.log ;;
    25) echo > done; tail --pid=$(< pid) --sleep-interval 0.1 --follow /dev/null ;;
esac
"""
"""In place of `sleep`: what pip has done after so many seconds, without waiting for them."""


def test_an_installation_says_how_far_it_is(install, tmp_path, monkeypatch):
    for name in ["begun", "done"]:
        os.mkfifo(tmp_path / name)
    (tmp_path / "sleep").write_text(SECOND)
    (tmp_path / "sleep").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    done = install("echo $$ > pid; echo Collecting a; echo > begun; read < done")
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


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "--configfile config/toy.yaml --rerun-incomplete --cores all --logger stages"),
        (
            ["CONFIG=config/own.yaml config/label.yaml", "OPTIONS=--profile slurm", "TARGET=a"],
            "config/own.yaml config/label.yaml --rerun-incomplete --profile slurm -- a",
        ),
    ],
)
def test_every_run_can_be_resumed(arguments, expected):
    made = subprocess.run(
        ["make", "--no-print-directory", "-n", "-o", "env", "resume", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    *_, unlock, run = made.stdout.splitlines()
    assert unlock.endswith("--unlock")
    assert expected in run
