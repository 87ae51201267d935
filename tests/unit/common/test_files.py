"""Atomic files: complete, or not there."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from workflow.lib.common.files import atomic_path, write_json, write_text


def test_the_file_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "folder" / "a.parquet"
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.suffix == ".parquet"
        assert temporary.name.startswith(".")
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_before_anything_is_written_is_raised_unchanged(tmp_path):
    with pytest.raises(ValueError, match="the reason"), atomic_path(tmp_path / "a.txt"):
        raise ValueError("the reason")
    assert list(tmp_path.iterdir()) == []


def test_two_writers_do_not_share_a_temporary_name(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_path(path) as first, atomic_path(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_text_and_json_replace_an_older_file(tmp_path):
    write_text("a much longer text than the next", tmp_path / "a")
    write_text("π", tmp_path / "a")
    assert (tmp_path / "a").read_text() == "π"
    write_json([{"cut": "mag_r", "left": 3}], tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == [{"cut": "mag_r", "left": 3}]
    assert (tmp_path / "a.json").read_text().endswith("]\n")


def test_a_value_that_json_cannot_hold_leaves_no_file(tmp_path):
    with pytest.raises(TypeError):
        write_json({"a": object()}, tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def killed_while_writing(path):
    """Leave the temporary file of a process that is killed while it writes `path`."""
    code = (
        "import os, signal, sys\nfrom workflow.lib.common.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    before = set(path.parent.glob(".*"))
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    (left,) = set(path.parent.glob(".*")) - before
    return left


def test_what_a_killed_writer_leaves_is_removed_by_the_next_one_of_the_same_file(tmp_path):
    other = killed_while_writing(tmp_path / "b.a[1].txt")
    killed_while_writing(tmp_path / "a[1].txt")
    write_text("whole", tmp_path / "a[1].txt")
    assert {path.name for path in tmp_path.iterdir()} == {"a[1].txt", other.name}
    write_text("whole", tmp_path / "b.a[1].txt")
    assert {path.name for path in tmp_path.iterdir()} == {"a[1].txt", "b.a[1].txt"}


def test_a_temporary_file_of_another_host_is_removed_once_it_no_longer_changes(tmp_path):
    left = killed_while_writing(tmp_path / "a.txt")
    other = left.rename(left.with_name(left.name.replace(socket.gethostname(), "node-17")))
    write_text("whole", tmp_path / "a.txt")
    assert other.exists()
    os.utime(other, (0, 0))
    write_text("whole", tmp_path / "a.txt")
    assert not other.exists()
