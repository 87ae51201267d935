"""The file of ratings: no recorded rating is lost and none is invented, even after a crash."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from workflow.app.ratings import History, RatingFile, Subject
from workflow.lib.common.errors import UserError

SUBJECT = Subject("decals", "all", 40)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hunts/decals/rings.jsonl"


def fill(path):
    """Write a history of two batches, with a skip and an undo."""
    file = RatingFile(path, SUBJECT)
    file.show(["a", "b"])
    file.answer("a", 5)
    file.answer("b", None)
    file.show(["c", "d"])
    file.answer("d", 1)
    file.undo("d")
    file.answer("c", 0)
    file.close()
    return file


def test_a_file_reads_back_as_written(path):
    written = fill(path)
    read = RatingFile(path)
    assert (read.subject, read.history, read.dropped) == (SUBJECT, written.history, "")
    assert [answer[:3] for answer in read.history.rated] == [("a", 5, 0), ("c", 0, 1)]
    assert read.history.waiting == ("d",)
    read.answer("d", 4)
    read.close()
    assert len(path.read_text().splitlines()) == 9


@pytest.mark.parametrize("kept", range(90))
def test_an_incomplete_last_line_is_dropped_and_all_others_are_kept(path, kept):
    """The file is truncated anywhere in its last two lines, as a crash may leave it."""
    fill(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - kept])
    lines = content[: len(content) - kept].split(b"\n")
    file = RatingFile(path)
    if lines[-1].endswith(b"}"):  # only its end is missing
        lines.append(b"")
    assert file.dropped.encode() == lines[-1]
    assert path.read_bytes() == b"".join(line + b"\n" for line in lines[:-1])
    file.close()
    again = RatingFile(path)
    assert (again.history, again.dropped) == (file.history, "")
    again.close()


def test_a_file_with_an_incomplete_first_line_is_started_again(path):
    path.parent.mkdir(parents=True)
    path.write_text('{"survey": "dec')
    file = RatingFile(path, SUBJECT)
    assert file.dropped == '{"survey": "dec'
    file.show(["a"])
    file.close()
    assert json.loads(path.read_text().splitlines()[0])["components"] == 40


@pytest.mark.parametrize(
    ("number", "line", "reason"),
    [
        (1, '{"survey": "decals"}', "does not name the survey, pretraining and components"),
        (1, "[]", "does not name the survey, pretraining and components"),
        (2, "", "not JSON"),
        (3, "{", "not JSON"),
        (3, "\x00\x00\x00", "not JSON"),
        (3, "7", "neither a batch, an answer, a change nor an undo"),
        (
            3,
            '{"galaxy": "a", "rating": 6, "at": "now"}',
            "a rating is an integer from 0 to 5, not 6",
        ),
        (
            3,
            '{"galaxy": "a", "rating": 2.5, "at": "now"}',
            "a rating is an integer from 0 to 5, not 2.5",
        ),
        (
            3,
            '{"galaxy": "a", "rating": true, "at": "now"}',
            "a rating is an integer from 0 to 5, not True",
        ),
        (3, '{"galaxy": "z", "rating": 1, "at": "now"}', "z is not waiting"),
        (3, '{"undo": "a"}', "a was not answered last"),
        (3, '{"changed": "z", "rating": 1, "at": ""}', "z has no answer that could be changed"),
        (4, '{"galaxy": "a", "rating": 1, "at": "now"}', "a is not waiting"),
        (5, '{"shown": []}', "empty"),
        (5, '{"shown": ["c", "c"]}', "shown before"),
        (5, '{"shown": ["a", "e"]}', "shown before"),
        (4, '{"shown": ["e", "f"]}', "b has no answer yet"),
    ],
)
def test_the_error_for_a_damaged_line_gives_its_number_and_the_file_is_unchanged(
    path, number, line, reason
):
    fill(path)
    lines = path.read_text().splitlines()
    lines[number - 1] = line
    path.write_text("".join(f"{line}\n" for line in lines))
    before = path.read_bytes()
    with pytest.raises(UserError, match=rf"rings\.jsonl, line {number}: damaged .*{reason}"):
        RatingFile(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"notes\nmore notes without an end",
        b"notes without an end",
        b"\0\x01notes\nmore",
        b'{"survey": "decals"}\n{"shown": ["a',
        b'{"survey": "decals", "pretraining": "all", "components": 40}\n7\n{"shown": ["a',
        b'{"survey": "other", "pretra',
        b'["survey"]',
    ],
)
@pytest.mark.parametrize("subject", [None, SUBJECT])
def test_a_file_that_is_no_hunt_is_not_changed(path, content, subject):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"rings\.jsonl, line [12]: damaged"):
        RatingFile(path, subject)
    assert path.read_bytes() == content


def test_a_complete_last_line_without_an_end_is_kept(path):
    fill(path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"galaxy": "d", "rating": 4, "at": "now"}')
    file = RatingFile(path)
    assert file.dropped == ""
    assert file.history.rated[-1][:2] == ("d", 4)
    file.show(["e"])
    file.close()
    assert path.read_text().splitlines()[-2:] == [
        '{"galaxy": "d", "rating": 4, "at": "now"}',
        '{"shown": ["e"]}',
    ]


@pytest.mark.parametrize("subject", [None, SUBJECT])
def test_a_first_line_without_an_end_is_kept(path, subject):
    RatingFile(path, SUBJECT).close()
    path.write_bytes(path.read_bytes().rstrip())
    file = RatingFile(path, subject)
    assert file.subject == SUBJECT
    file.show(["a"])
    file.close()
    assert len(path.read_text().splitlines()) == 2


def test_a_missing_file_or_a_folder_raises_an_error(path, tmp_path):
    with pytest.raises(UserError, match=r"rings\.jsonl: cannot be opened"):
        RatingFile(path)
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(UserError, match=r"folder\.jsonl: cannot be opened"):
        RatingFile(tmp_path / "folder.jsonl", SUBJECT)


def test_a_file_cannot_be_opened_twice(path):
    file = RatingFile(path, SUBJECT)
    with pytest.raises(UserError, match="open in another program"):
        RatingFile(path)
    file.close()
    RatingFile(path).close()


@pytest.mark.parametrize("change", ["removed", "moved", "replaced", "folder moved"])
def test_writing_to_a_file_removed_or_moved_while_open_raises_an_error(path, change):
    file = RatingFile(path, SUBJECT)
    moved = path.with_name("moved.jsonl")
    if change == "removed":
        path.unlink()
    elif change == "folder moved":
        path.parent.rename(path.parents[1] / "elsewhere")
        moved = path.parents[1] / "elsewhere" / path.name
    else:
        path.rename(moved)
        if change == "replaced":
            fill(path)
    kept = {file: file.read_bytes() for file in (path, moved) if file.exists()}
    assert file.removed
    with pytest.raises(UserError, match="removed, moved or replaced"):
        file.show(["a"])
    assert file.history == History()
    assert all(file.read_bytes() == content for file, content in kept.items())


FULL_DISK = """
import resource, signal, sys
from workflow.app.ratings import RatingFile, Subject
from workflow.lib.common.errors import UserError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = RatingFile(sys.argv[1], Subject("decals", "all", 40))
file.show(["a", "b"])
size = file.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 9, size + 9))
try:
    file.answer("a", 5)
except UserError as error:
    print(error)
assert file.history.waiting == ("a", "b")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
"""


def test_an_answer_that_does_not_fit_on_the_disk_is_not_recorded(path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, path], cwd=ROOT, capture_output=True, text=True
    )
    assert "rings.jsonl: cannot be written (File too large)" in done.stdout, done.stderr
    file = RatingFile(path)
    assert (file.dropped, file.history.waiting) == ("", ("a", "b"))
    file.close()


KILLED = """
import os, signal, sys
from workflow.app.ratings import RatingFile, Subject
file = RatingFile(sys.argv[1], Subject("decals", "all", 40))
file.show(["a", "b"])
file.answer("b", 3)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_no_answer_and_leaves_no_lock(path):
    subprocess.run([sys.executable, "-c", KILLED, path], cwd=ROOT)
    file = RatingFile(path)
    assert [answer[:2] for answer in file.history.answers] == [("b", 3)]
    file.close()


def test_names_may_contain_any_characters(path):
    names = ['"},\n{"undo": "', "ü\u2028", "../../x", ""]
    file = RatingFile(path, SUBJECT)
    file.show(names)
    for name in names:
        file.answer(name, 2)
    file.close()
    read = RatingFile(path)
    assert [answer.iauname for answer in read.history.rated] == names
    read.close()


ACTIONS = st.lists(st.sampled_from([0, 3, 5, None, "undo"]), max_size=40)


@given(ACTIONS)
def test_an_undone_answer_leaves_no_trace(actions):
    """The history equals one with only the answers that were not undone, and the same batches."""
    history, kept = History(), []
    for action in actions:
        if action == "undo" and kept:
            history = history.undo(kept.pop()[0])
        elif action != "undo":
            history = shown(history)
            kept.append((history.waiting[0], action))
            history = history.answer(*kept[-1], "now")
    plain = History()
    for name, rating in kept:
        plain = shown(plain).answer(name, rating, "now")
    assert history.answers == plain.answers
    assert shown(history) == shown(plain)


def shown(history):
    """Show a batch of three, if all galaxies before it have an answer."""
    if history.waiting:
        return history
    first = 3 * len(history.batches)
    return history.show([str(number) for number in range(first, first + 3)])


def test_an_answer_is_flushed_to_disk_before_it_takes_effect(path, monkeypatch):
    """The file is flushed after the line is written, and before the history changes."""
    file = RatingFile(path, SUBJECT)
    file.show(["a"])
    seen = []
    real = os.fsync

    def fsync(number):
        real(number)
        seen.append((path.read_text().count("galaxy"), len(file.history.answers)))

    monkeypatch.setattr(os, "fsync", fsync)
    file.answer("a", 4)
    assert seen == [(1, 0)]
    file.close()
