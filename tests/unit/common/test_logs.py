"""Logs: one line on the terminal if a job fails, everything else in the job's log."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def run(body, log):
    """Run a job of these statements, as Snakemake runs a script."""
    start = f"from workflow.lib.common.logs import log_to\nlog_to({str(log)!r})\n"
    return subprocess.run(
        [sys.executable, "-c", start + body], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_users_error_is_one_line_without_a_trace(tmp_path):
    log = tmp_path / "new" / "job.log"
    job = run(
        "from workflow.lib.common.errors import UserError\n"
        "raise UserError('a.csv: no column mag_r')",
        log,
    )
    assert job.returncode == 1
    assert job.stdout + job.stderr == "error: a.csv: no column mag_r\n"
    assert "error: a.csv: no column mag_r" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_an_unexpected_error_is_one_line_and_its_trace_is_in_the_log(tmp_path):
    log = tmp_path / "job.log"
    job = run("def fetch():\n    {}['mag_r']\nfetch()", log)
    assert job.returncode == 1
    assert job.stdout + job.stderr == f"unexpected error: KeyError: 'mag_r' (details in {log})\n"
    assert "Traceback" in log.read_text()
    assert "in fetch" in log.read_text()


def test_a_message_of_several_lines_is_one_line_on_the_terminal(tmp_path):
    job = run("raise ValueError('\\nshapes differ:\\n  (3, 3)')", tmp_path / "job.log")
    assert job.stderr.startswith("unexpected error: ValueError: shapes differ: (3, 3) (details")
    assert job.stderr.count("\n") == 1
    assert "shapes differ:\n  (3, 3)" in (tmp_path / "job.log").read_text()


def test_output_of_native_code_goes_to_the_log(tmp_path):
    log = tmp_path / "job.log"
    job = run("import os\nos.write(2, b'from a C library\\n')\nos.system('echo a child >&2')", log)
    assert job.returncode == 0
    assert job.stderr == ""
    assert log.read_text() == "from a C library\na child\n"


def test_messages_and_warnings_go_to_the_log_in_order(tmp_path):
    log = tmp_path / "job.log"
    job = run(
        "import logging, os, warnings\nlogging.getLogger('a.b').info('ten galaxies')\n"
        "os.write(2, b'native\\n')\nwarnings.warn('few votes')\nlogging.error('late')",
        log,
    )
    assert job.stderr == ""
    text = log.read_text()
    places = [
        text.index(word) for word in ["INFO a.b: ten galaxies", "native", "few votes", "late"]
    ]
    assert places == sorted(places)


def test_a_later_attempt_overwrites_the_log(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("of the first attempt\n")
    run("import logging\nlogging.info('second')", log)
    assert "first" not in log.read_text()
    assert "second" in log.read_text()


# Opened, not named: as root, pyarrow would remove the device after its failure.
FULL = {
    "text": "full.write(b'a' * 10**6); full.flush()",
    "parquet": "import pyarrow as pa, pyarrow.parquet as pq\n"
    "pq.write_table(pa.table({'a': range(10**5)}), full)",
    "array": "import numpy as np; np.zeros(10**6).tofile(full)",
}


@pytest.mark.parametrize("kind", FULL)
def test_a_full_disk_is_one_line_that_says_what_to_do(tmp_path, kind):
    job = run(f"full = open('/dev/full', 'wb')\n{FULL[kind]}", tmp_path / "job.log")
    assert job.returncode == 1
    assert job.stderr.count("\n") == 1
    assert job.stderr.startswith("error: ")
    assert "no space is left on the disk; free some, and run again" in job.stderr


@pytest.mark.parametrize("number", ["EROFS", "EACCES", "EDQUOT"])
def test_a_disk_that_cannot_be_written_is_one_line_with_the_path(tmp_path, number):
    job = run(f"import errno; raise OSError(errno.{number}, 'no', '/a/b')", tmp_path / "job.log")
    assert job.stderr.startswith("error: /a/b: ")
    assert job.stderr.count("\n") == 1


def test_a_log_that_cannot_be_written_is_one_line():
    job = run("", "/proc/none/job.log")
    assert job.returncode == 1
    assert job.stderr.startswith("error: /proc/none/job.log: cannot be written")
    assert job.stderr.count("\n") == 1
