"""How far a run is: stages, figures, and the time left."""

import re

import pytest

from tests.conftest import ROOT
from workflow.console.progress import SAYS, Progress, measure_times, read_times, rules_by_stage

STAGES = {"fetch": "2_cutouts", "draw": "8_figures"}


class Clock:
    """A clock that tests set [s]."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def progress(clock):
    return Progress(STAGES, {"fetch": 10.0, "draw": 80.0}, clock=clock)


def test_a_stage_is_announced_at_its_first_job_and_at_its_last(progress, clock):
    assert progress.plan({"fetch": 2, "draw": 1, "all": 1}) == "3 jobs in 2 stages"
    first = progress.start(1, "fetch")
    assert "2_cutouts" in first
    assert "starts: 2 jobs" in first
    assert progress.start(2, "fetch") is None
    clock.now = 30
    assert progress.finish(1) == []
    clock.now = 65
    (last,) = progress.finish(2)
    assert "done: 2 jobs in 1:05" in last


def test_the_time_left_follows_from_the_work_and_the_pace(progress, clock):
    progress.plan({"fetch": 2, "draw": 1})
    progress.start(1, "fetch")
    progress.start(2, "fetch")
    assert "left" not in progress.now()  # no pace is known yet
    clock.now = 60
    progress.finish(1)
    # 10 of 100 s of work took a minute.
    assert "10% of the work done, about 9 min left" in progress.now()
    assert "2_cutouts 1/2" in progress.now()


def test_a_figure_is_named_as_soon_as_it_is_there(progress):
    progress.plan({"draw": 1})
    outputs = [f"results/toy/8_figures/figure_A1.{kind}" for kind in ("pdf", "png", "csv")]
    progress.start(7, "draw", outputs)
    line, stage = progress.finish(7)
    assert line == "Figure A1: results/toy/8_figures/figure_A1.png"
    assert "done: 1 job in" in stage
    assert progress.now() == ""


def test_targets_are_not_counted(progress):
    progress.plan({"fetch": 1, "all": 1})
    assert progress.start(1, "all") is None
    assert progress.finish(1) == []


def test_every_rule_with_a_script_has_a_stage():
    stages = rules_by_stage()
    for path in (ROOT / "workflow/rules").glob("[0-9]_*.smk"):
        text = path.read_text()
        for script in re.findall(r'"../../scripts/(\w+/\w+)\.py"', text):
            stage, rule = script.split("/")
            assert stages[rule] == stage
            assert re.search(rf"^rule {rule}:", text, re.M)
    assert set(stages.values()) == set(SAYS)


def test_times_are_known_for_rules_that_exist():
    times = read_times()
    assert set(times) <= set(rules_by_stage())
    assert all(seconds > 0 for seconds in times.values())


def test_times_are_means_of_benchmarks(tmp_path):
    """Of the processor, if Snakemake measured it."""
    for name, seconds, processor in [
        ("2_cutouts/fetch/a", 9, 1),
        ("2_cutouts/fetch/b", 9, 3),
        ("8_figures/draw", 5, "NA"),
    ]:
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\tcpu_time\n{seconds}\t{processor}\n")
    assert measure_times(tmp_path) == {"draw": 5, "fetch": 2}
