"""Copies of the project, in which tests run commands as users do."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from workflow.lib.planning.config import merged

ROOT = Path(__file__).parents[1]


@dataclass
class Project:
    """A copy of the project, with methods to run its commands."""

    folder: Path

    def copied(self, folder):
        """Copy the project and its results, for a test that changes them."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def sh(self, command, check=True):
        """Run a shell command in the project's folder; return stdout and stderr.

        It must succeed, or fail if `check` is false.
        """
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
        """Run the workflow on the toy sky; `change` is YAML laid over its configuration."""
        return self.sh(f"snakemake {self.toy_with(change)} --cores 2 {target}", check)

    def toy_with(self, change):
        """Return the options for the toy's configuration with a change laid over it."""
        return f"--configfile config/toy.yaml {self.write_change(change)}"

    def write_change(self, change):
        """Write a piece of configuration to a file; return the file's name."""
        (self.folder / "change.yaml").write_text(change or "{}")
        return "change.yaml"

    def remove(self, *patterns):
        """Remove results of the toy, so that the workflow makes them again."""
        for pattern in patterns:
            for path in (self.folder / "results/toy").glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def jobs(self, arguments):
        """Return the number of jobs of each rule that a dry-run lists."""
        return counted(self.sh(f"snakemake -n --cores 2 {arguments}"))


def goes_on(process, seconds=0.1):
    """Watch a process for a moment; tell whether it goes on. A loop of this takes no core."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def counted(output):
    """Read the number of jobs of each rule from what a dry-run said."""
    table = re.search(r"^Job stats:\n.*?\n-+.*?\n(.*?)\n\n", output, re.S | re.M)
    rows = table[1].splitlines() if table else []
    counts = {name: int(count) for name, count in (row.split() for row in rows)}
    counts.pop("total", None)
    return counts


def copy_project(target):
    """Copy the files that git would commit, and link this project's environment."""
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


def small_project(folder):
    """Copy the project, with a toy sky as small as tests/toy/config.yaml says."""
    copy_project(folder)
    layers = [folder / "config/toy.yaml", ROOT / "tests/toy/config.yaml"]
    config = merged(*(yaml.safe_load(path.read_text()) for path in layers))
    (folder / "config/toy.yaml").write_text(yaml.safe_dump(config))
    return Project(folder)
