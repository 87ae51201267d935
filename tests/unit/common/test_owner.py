"""Owners: one process at a time, real processes that are really killed."""

import contextlib
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from workflow.console.resume import alive
from workflow.lib.common.owner import ENDING, owner_of

OWN = "from workflow.lib.common.owner import own\nown({!r})\n"
WAIT = "print('ready', flush=True)\ninput()\n"


def start(code):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def owner(path, before="", after=""):
    """A process that owns a file, until it is told to end or is killed."""
    with start(before + OWN.format(str(path)) + after + WAIT) as process:
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_process_is_refused_by_a_line_that_names_the_first(tmp_path):
    path = tmp_path / "new" / "a.owner"
    with owner(path) as first:
        second = start(OWN.format(str(path)))
        _, error = second.communicate()
        assert second.returncode == 1
        line = error.splitlines()[-1]
        assert re.search(rf"{path}: process {first.pid} on \S+ since 20\d\d-\S+ \S+ is", line)
        assert f"'kill {first.pid}'" in line
        assert owner_of(path).startswith(f"process {first.pid} on ")
        first.communicate("end\n")
    assert first.returncode == 0
    assert not path.exists()


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    path = tmp_path / "a.owner"
    with owner(path) as first:
        first.kill()
        first.wait()
    assert path.exists()
    assert owner_of(path) == ""
    with owner(path) as second:
        assert owner_of(path).startswith(f"process {second.pid} on ")


def test_children_of_a_killed_process_do_not_keep_its_lock(tmp_path):
    path = tmp_path / "a.owner"
    fork = "import os, time\nchild = os.fork()\nif not child: time.sleep(1000)\nprint(child)\n"
    with start(OWN.format(str(path)) + fork + WAIT) as first:
        child = int(first.stdout.readline())
        first.kill()
        first.wait()
        try:
            os.kill(child, 0)
            assert owner_of(path) == ""
        finally:
            os.kill(child, signal.SIGKILL)


def test_without_locks_in_the_file_system_a_warning_is_logged(tmp_path):
    """Stands in for Lustre mounted without locks, which this machine does not have."""
    lockless = (
        "import errno, fcntl\n"
        "def fail(*_): raise OSError(errno.ENOLCK, 'No locks available')\nfcntl.lockf = fail\n"
    )
    code = lockless + OWN.format(str(tmp_path / "a.owner"))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert "a.owner: no lock (No locks available)" in done.stderr


ORPHAN = """
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], "snakemake"])
child.wait()
"""
JOB = """
import os, signal, time
from workflow.lib.common.owner import orphaned, own
parent = os.getppid()
own({path!r})
if {kill}:
    os.kill(parent, signal.SIGKILL)
    while os.getppid() == parent:
        time.sleep(0.01)
print(orphaned())
"""


@pytest.mark.parametrize("kill", [False, True])
def test_a_job_knows_whether_its_snakemake_has_died(tmp_path, kill):
    job = JOB.format(path=str(tmp_path / "a.owner"), kill=kill)
    done = subprocess.run(
        [sys.executable, "-c", ORPHAN, job, "snakemake"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.stdout == f"{kill}\n"
    assert done.returncode == (-signal.SIGKILL if kill else 0)


def test_resuming_names_the_snakemake_or_the_jobs_that_are_alive(tmp_path):
    run, logs = tmp_path / "run.owner", tmp_path / "logs"
    job = logs / "2_cutouts" / f"1-of-3.log{ENDING}"
    assert list(alive(run, logs)) == []
    with owner(job) as orphan:
        (line,) = alive(run, logs)
        assert line.startswith(f"{job}: process {orphan.pid} on")
        with owner(run) as snakemake:
            (line,) = alive(run, logs)
            assert f"'kill {snakemake.pid}'" in line
    assert list(alive(run, logs)) == []
