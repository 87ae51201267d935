"""Stamps of files: every change to a file or folder is seen, and nothing else."""

import os

import pytest

from workflow.lib.planning.file_stamps import list_files, stamp, users_stamp


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "images"
    (path / "deep").mkdir(parents=True)
    (path / "1.jpg").write_bytes(b"one")
    (path / "deep/2.jpg").write_bytes(b"two")
    return path


def keep_time(path, content):
    """Write another content without a newer time, as `cp --preserve` does."""
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


CHANGES = {
    "replaced": lambda path: keep_time(path / "deep/2.jpg", b"other"),
    "older": lambda path: os.utime(path / "1.jpg", (1, 1)),
    "added": lambda path: (path / "deep/3.jpg").touch(),
    "removed": lambda path: (path / "1.jpg").unlink(),
    "renamed": lambda path: (path / "1.jpg").rename(path / "3.jpg"),
    "moved": lambda path: (path / "1.jpg").rename(path / "deep/1.jpg"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_folder_has_another_stamp(folder, change):
    before = stamp(folder)
    CHANGES[change](folder)
    assert stamp(folder) != before


def test_a_folder_that_is_not_changed_keeps_its_stamp_wherever_it_is(folder, tmp_path):
    before = stamp(folder)
    (folder / "empty").mkdir()
    assert stamp(folder) == before
    folder.rename(tmp_path / "elsewhere")
    assert stamp(tmp_path / "elsewhere") == before
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert stamp(tmp_path / "link") == before


def test_a_changed_or_missing_file_has_another_stamp(folder):
    before = stamp(folder / "1.jpg")
    os.utime(folder / "1.jpg", (1, 1))
    older = stamp(folder / "1.jpg")
    keep_time(folder / "1.jpg", b"longer")
    assert len({before, older, stamp(folder / "1.jpg"), stamp(folder / "nothing"), ""}) == 4


def test_links_are_followed_once(folder):
    (folder / "again").symlink_to(folder / "deep")
    (folder / "circle").symlink_to(folder)
    (folder / "broken").symlink_to(folder / "nothing")
    assert len(list(list_files(folder))) == 2


def test_only_the_users_own_files_have_a_stamp(folder):
    assert users_stamp(str(folder)) == stamp(folder)
    for path in ["<results>/0_sources/own/truth.parquet", None]:
        assert users_stamp(path) == ""
