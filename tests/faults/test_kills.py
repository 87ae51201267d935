"""Killed again and again, a run loses nothing and gives the results of an undisturbed one."""

import json
import os
import random
import re
import signal
import subprocess

import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer

from tests.project import goes_on, small_project
from workflow.console.resume import alive
from workflow.lib.common.owner import RUN

pytestmark = pytest.mark.thorough

SHARD = "results/toy/2_cutouts/decals/1-of-2.parquet"
LOG = "logs/toy/2_cutouts/fetch_cutouts/decals/1-of-2.log"
CHANGES = {"created", "modified", "moved", "deleted"}
LONGEST = 40
"""A run is killed at most so many changes of its files after a job's first one."""


class Killer(FileSystemEventHandler):
    """Kill a run some changes of its files after the first change by one of the planned jobs.

    Nothing depends on the clock. If another planned job begins meanwhile, the run is killed then.

    Parameters
    ----------
    plan
        For the logs of some jobs, the number of changes. Jobs that a kill has met are removed.
    """

    def __init__(self, plan):
        self.plan, self.run, self.left = plan, None, None

    def on_any_event(self, event):
        if event.event_type not in CHANGES or self.run is None:
            return
        job = next((log for log in self.plan if f"/{log}" in event.src_path), None)
        if job is not None:
            self.left = self.plan.pop(job) if self.left is None else 0 * self.plan.pop(job)
        elif self.left:
            self.left -= 1
        if self.left == 0:
            os.killpg(self.run.pid, signal.SIGKILL)
            self.run = None


def started(project, command):
    """Start a command as the leader of its own group of processes."""
    return subprocess.Popen(
        ["bash", "-c", f"export PATH=.venv/bin:$PATH; exec {command}"],
        cwd=project.folder,
        start_new_session=True,
        stdout=(project.folder / "output.txt").open("a"),
        stderr=subprocess.STDOUT,
    )


def run_killed(project, command, killer):
    """Run a command to its end or until it is killed as planned; return whether it was."""
    run = started(project, command)
    killer.left, killer.run = None, run
    killed = run.wait() == -signal.SIGKILL
    killer.run = None
    assert killed or run.returncode == 0, (project.folder / "output.txt").read_text()[-5000:]
    while list(alive(project.folder / RUN, project.folder / "logs")):
        pass  # a killed process takes a moment to end
    return killed


def planned(project, count, seed):
    """Choose the jobs in which to kill a run: of as many rules as possible."""
    output = project.sh("snakemake -n --cores 2 --configfile config/toy.yaml")
    jobs = re.findall(r"^rule (\w+):\n(?:    .*\n)*?    log: (\S+)$", output, re.MULTILINE)
    draw = random.Random(seed)
    draw.shuffle(jobs)
    one_of_each = list(dict(jobs).values())
    others = [log for _, log in jobs if log not in one_of_each]
    return {log: draw.randrange(LONGEST) for log in (one_of_each + others)[:count]}


def test_a_run_killed_eight_times_gives_the_same_results(finished, tmp_path):
    """Three of four rules have a job among the results that are removed first."""
    project = finished.copied(tmp_path / "morphoflow")
    project.remove("*/gz2*", "3_pretrain/imagenet", "4_represent/*/imagenet")
    project.remove("7_finetune", "8_figures")
    kill_many_times(project, 8)
    compare(finished.folder, project.folder)


@pytest.mark.hours
def test_a_run_killed_sixty_times_gives_the_same_results(finished, tmp_path):
    project = small_project(tmp_path / "morphoflow")
    kill_many_times(project, 60)
    compare(finished.folder, project.folder)


def kill_many_times(project, kills):
    """Run the toy to its end, killed at least so many times."""
    # A few more: the plans of two jobs that begin together count as one.
    plan = planned(project, kills + kills // 6, seed=26)
    killer, observer = Killer(plan), Observer()
    observer.schedule(killer, project.folder, recursive=True)
    observer.start()
    done, command = 0, "make toy"
    while run_killed(project, command, killer):
        done, command = done + 1, "make resume"
    observer.stop()
    observer.join()
    assert not plan
    assert done >= kills
    assert project.jobs("--configfile config/toy.yaml") == {}


def compare(undisturbed, killed):
    """Results must be the same but for the time that they took, and nothing else may be left."""
    names, theirs = listed(killed), listed(undisturbed)
    assert names == theirs
    differing = [name for name in names if content(killed / name) != content(undisturbed / name)]
    assert not differing
    left = [path for path in (killed / "logs").rglob("*") if path.name.endswith(".owner")]
    assert not left


def listed(folder):
    """List all results but the benchmarks, and the checksums, of which some are of times."""
    paths = (folder / "results/toy").rglob("*")
    names = sorted(str(path.relative_to(folder)) for path in paths if path.is_file())
    return [name for name in names if "/benchmarks/" not in name and not name.endswith(".sha256")]


def content(path):
    """Read a result without the time that it took, or at which a user's files were changed."""
    if path.name in ("costs.csv", "models.csv"):
        return pd.read_csv(path).drop(columns=["seconds", "hours"], errors="ignore").to_csv()
    if path.name == "costs.html":  # costs.csv, for the report
        return ""
    if path.name.endswith(".index.parquet"):
        return pq.read_table(path).to_pylist()
    if path.suffix == ".json":
        return without_times(json.loads(path.read_text()))
    return path.read_bytes()


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if "seconds" not in key}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture
def fetching(finished, tmp_path):
    """A project, and its Snakemake that fetches a shard, stopped after a few parts."""
    project = finished.copied(tmp_path / "morphoflow")
    (project.folder / SHARD).unlink()
    run = started(project, f"snakemake --configfile config/toy.yaml --cores 1 {SHARD}")
    while not parts_of(project):
        assert goes_on(run, 0.01), "the shard was complete before it could be killed"
    (job,) = [
        process
        for process in psutil.Process(run.pid).children(recursive=True)
        if process.name().startswith("python")
    ]
    job.suspend()
    return project, run, job


def parts_of(project):
    return sorted((project.folder / SHARD).parent.glob("1-of-2.parquet.parts-*/part-*.parquet"))


def resume(project, check=True):
    return project.sh(f"make resume TARGET={SHARD} OPTIONS='--cores 1'", check)


def resumed_after(project):
    """Give the number of parts that the last job for the shard did not repeat."""
    text = (project.folder / LOG).read_text()
    return int(re.search(r"resuming after (\d+) finished parts", text)[1])


def test_a_killed_shard_resumes_after_its_finished_parts(fetching, finished):
    project, run, job = fetching
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    parts = parts_of(project)
    psutil.wait_procs([job])
    resume(project)
    assert resumed_after(project) == len(parts)
    assert (project.folder / SHARD).read_bytes() == (finished.folder / SHARD).read_bytes()
    assert not parts_of(project)


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_job_that_outlives_its_snakemake_is_neither_joined_nor_repeated(
    fetching, finished, by_hand
):
    project, run, job = fetching
    run.kill()
    run.wait()
    parts = parts_of(project)
    if by_hand:  # Snakemake starts a second job
        project.toy("--unlock")
        output = project.toy(f"--rerun-incomplete {SHARD}", check=False)
    else:
        output = resume(project, check=False)
    line = rf"error: {LOG}.owner: process {job.pid} on \S+ since .*; wait .* 'kill {job.pid}'"
    assert len(re.findall(line, output)) == 1
    assert parts_of(project) == parts
    job.resume()
    psutil.wait_procs([job])
    theirs = (finished.folder / SHARD).read_bytes()
    assert (project.folder / SHARD).read_bytes() == theirs

    parts = parts_of(project)
    assert parts
    resume(project)
    assert (project.folder / SHARD).read_bytes() == theirs
    if not by_hand:  # else Snakemake has forgotten the killed job with the second one
        assert resumed_after(project) == len(parts)
        assert not parts_of(project)
