"""One run of the whole workflow on the smallest sky, which the tests here look at."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, copy_project


@dataclass
class Project:
    """A copy of the project, and ways to use it as its users do."""

    folder: Path

    def sh(self, command, check=True):
        """Run a shell command in the project's folder; give its outputs together."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"export PATH=.venv/bin:$PATH; {command}"],
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        output = done.stdout + done.stderr
        if check and done.returncode:
            raise AssertionError(f"{command}\nexit status {done.returncode}\n{output}")
        if not check:
            assert done.returncode, f"{command}\nshould have failed\n{output}"
        return output

    def toy(self, target="", change="", check=True):
        """Run the workflow on the toy sky, with a change to its configuration (YAML)."""
        return self.sh(f"snakemake {self.toy_with(change)} --cores 2 {target}", check)

    def toy_with(self, change):
        """Give the options for the toy's configuration with a change laid over it."""
        return f"--configfile config/toy.yaml {self.write_change(change)}"

    def write_change(self, change):
        """Write a piece of configuration to a file, and give its name."""
        (self.folder / "change.yaml").write_text(change or "{}")
        return "change.yaml"

    def jobs(self, arguments):
        """Say how many jobs of each rule a dry-run lists."""
        output = self.sh(f"snakemake -n --cores 2 {arguments}")
        table = re.search(r"^Job stats:\n.*?\n-+.*?\n(.*?)\n\n", output, re.S | re.M)
        rows = table[1].splitlines() if table else []
        counts = {name: int(count) for name, count in (row.split() for row in rows)}
        counts.pop("total", None)
        return counts


def merged(base, over):
    """Lay one configuration over another, as Snakemake does."""
    both = dict(base)
    for key, value in over.items():
        inner = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = merged(both[key], value) if inner else value
    return both


def small_project(folder):
    """Copy the project, and make its toy sky as small as tests/toy/config.yaml says."""
    copy_project(folder)
    layers = [folder / "config/toy.yaml", ROOT / "tests/toy/config.yaml"]
    config = merged(*(yaml.safe_load(path.read_text()) for path in layers))
    (folder / "config/toy.yaml").write_text(yaml.safe_dump(config))
    return Project(folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project in which `make toy` has run; look, but leave it as it is."""
    project = small_project(tmp_path_factory.mktemp("finished") / "morphoflow")
    project.sh("make toy")
    return project


@pytest.fixture
def branch(finished, tmp_path):
    """A copy of the finished project, to do things to."""
    folder = tmp_path / "morphoflow"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return Project(folder)


@pytest.fixture
def bare(tmp_path):
    """A small project in which nothing has run yet."""
    return small_project(tmp_path / "morphoflow")
