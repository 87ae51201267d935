"""Snakemake's `--logger stages`, in real runs of a small Snakefile."""

import os
import pty
import subprocess

import pytest

from tests.conftest import ROOT

SNAKEFILE = """
rule draw_representation:
    input: "cutouts"
    output: "results/8_figures/figure_1.png"
    shell: "touch {output}"

rule fetch_cutouts:
    output: "cutouts"
    shell: "COMMAND"
"""


@pytest.fixture
def run(tmp_path):
    """Give a function that runs Snakemake with this logger, and returns what it prints."""

    def run_it(command="touch {output}", stderr=subprocess.STDOUT):
        (tmp_path / "Snakefile").write_text(SNAKEFILE.replace("COMMAND", command))
        return subprocess.run(
            [ROOT / ".venv/bin/snakemake", "--cores", "1", "--logger", "stages"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT}/workflow/console/plugin"},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    return run_it


def test_without_a_terminal_a_stage_has_a_line_at_its_start_and_one_at_its_end(run, tmp_path):
    lines = run().stdout.splitlines()
    (log,) = (tmp_path / ".snakemake/log").glob("*.log")
    expected = [
        f"Snakemake's own messages: .snakemake/log/{log.name}",
        "2 jobs in 2 stages",
        "2_cutouts",
        "2_cutouts",
        "8_figures",
        "Figure 1: results/8_figures/figure_1.png",
        "8_figures",
        "Complete log(s)",
    ]
    assert len(lines) == len(expected)
    assert all(text in line for text, line in zip(expected, lines, strict=True))
    assert "rule fetch_cutouts:" in log.read_text()


def test_nothing_to_be_done_is_said(run):
    run()
    assert "Nothing to be done" in run().stdout


def test_errors_are_shown_in_full(run):
    done = run("echo 'error: no such column' >&2; exit 1")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "error: no such column" in lines
    assert "Error in rule fetch_cutouts:" in lines
    assert any("exit 1" in line for line in lines)


def test_on_a_terminal_a_line_is_rewritten_and_removed(run):
    master, slave = pty.openpty()
    assert run(stderr=slave).returncode == 0
    os.close(slave)
    text = os.read(master, 100_000).decode()
    os.close(master)
    assert "\r\x1b[K" in text
    assert "2_cutouts 0/1" in text
    assert "starts" not in text
    left = [line.rpartition("\x1b[K")[2].strip("\r") for line in text.split("\n")]
    assert left[-1] == ""
    assert sum("done: 1 job" in line for line in left) == 2
