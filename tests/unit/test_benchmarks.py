"""Every benchmark runs, at its smallest size; and what the tables of contests say."""

import csv
import re
import subprocess
import sys

import pytest

from benchmarks import contest
from benchmarks.suite import NAMES
from tests.conftest import ROOT


def run_suite(folder, *arguments):
    command = [sys.executable, "-m", "benchmarks.suite", *arguments, "--output", folder]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def run_tiny(folder, name):
    """Run a benchmark at its smallest size; give its turns."""
    done = run_suite(folder, name, "--size", "tiny", "--turns", "1")
    assert not done.returncode, done.stderr
    assert (folder / "tiny.md").read_text().strip() in done.stdout
    with (folder / "tiny.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.hours
@pytest.mark.parametrize("name", [name for name in NAMES if name != "search"])
def test_benchmark_runs(name, tmp_path):
    assert all(float(turn["seconds"]) > 0 for turn in run_tiny(tmp_path, name))


@pytest.mark.hours
def test_searches_find_the_same(tmp_path):
    answers = {}
    for turn in run_tiny(tmp_path, "search"):
        if turn["answer"]:
            answers.setdefault((turn["contest"], turn["turn"]), []).append(turn["answer"])
    assert answers
    assert all(len(found) >= 3 and len(set(found)) == 1 for found in answers.values())


def test_an_unknown_benchmark_is_refused(tmp_path):
    done = run_suite(tmp_path, "sorting")
    assert done.returncode == 2
    assert "no benchmark sorting" in done.stderr


def test_each_benchmark_is_in_the_guide():
    guide = (ROOT / "benchmarks/README.md").read_text()
    assert set(re.findall(r"^\| `(\w+)`:", guide, re.MULTILINE)) == set(NAMES)


def quick(case):
    """Take a hundredth of the other's time."""
    return lambda: {"seconds": 0.01 * case.factor, "answer": 7}


def slow(case):
    return lambda: {"seconds": 1.0 * case.factor, "answer": 7}


def fails(case):
    raise ValueError("no such sky")


@pytest.fixture(autouse=True)
def logs(tmp_path, monkeypatch):
    monkeypatch.setattr(contest, "LOGS", tmp_path / "logs")


def test_ratios_are_of_turns_taken_one_after_the_other():
    entered = [contest.ours(quick), contest.instead(slow, 10)]
    table = contest.contest("Sort", entered, {"factor": 2}, 2, items=5, unit="skies")
    ours, other = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert (ours["÷ ours"], other["÷ ours"], other["aim"]) == ("1.00", "100.00", "10")
    assert (ours["rate"], ours["answer"]) == ("250 skies/s", "7")
    assert [turn["contestant"] for turn in table.turns] == ["quick", "quick", "slow", "slow"]


def test_a_contestant_that_is_not_installed_is_named():
    entered = [contest.ours(quick), contest.instead(slow, package="no_such_package")]
    table = contest.contest("Sort", entered, {"factor": 1}, 1)
    assert table.rows[1][:3] == ["slow", "instead", "not installed"]
    assert "| slow | instead | not installed |" in table.markdown()


def test_the_start_of_a_whole_process_counts():
    table = contest.contest("Sort", [contest.ours(quick)], {"factor": 1}, 1, fresh=True)
    assert table.turns[0]["seconds"] > 0.01


def test_a_contestant_that_fails_says_why():
    with pytest.raises(SystemExit, match="no such sky"):
        contest.contest("Sort", [contest.ours(fails)], {}, 1)
