"""Checksums: what the workflow wrote is recorded, and anything else in its place is noticed."""

import shutil
import subprocess

import pytest

from workflow.lib.common.checksums import check, checksum, intact, record_path
from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path, write_text

SCORES = "6_anomaly/gz2-odd/scores.csv"


@pytest.fixture
def results(tmp_path):
    """A folder of results with the scores of two tasks."""
    write_text("average_precision,0.55\n", tmp_path / SCORES)
    write_text("average_precision,0.12\n", tmp_path / "6_anomaly/decals-ring/scores.csv")
    return tmp_path


def test_a_file_as_it_was_written_passes_also_where_results_were_moved(results):
    check(results / SCORES)
    moved = results.rename(results.with_name("moved"))
    check(moved / SCORES)
    assert intact(moved / SCORES)


def test_records_are_read_by_sha256sum(results):
    records = [path.read_text() for path in results.rglob(".*.sha256")]
    assert len(records) == 2
    done = subprocess.run(
        ["sha256sum", "--check", "--strict"],
        input="".join(records), text=True, cwd=results, check=True, capture_output=True,
    )  # fmt: skip
    assert done.stdout.count(": OK") == 2


def test_each_flipped_bit_and_each_cut_are_noticed(results):
    path = results / SCORES
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"scores\.csv: not as the workflow wrote it"):
            check(path)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert not intact(path)
    path.write_bytes(whole)
    check(path)


def test_another_tasks_file_is_noticed_with_and_without_its_record(results):
    path, other = results / SCORES, results / "6_anomaly/decals-ring/scores.csv"
    shutil.copy2(other, path)
    with pytest.raises(UserError, match="another file in its place; delete it and run again"):
        check(path)
    shutil.copy2(record_path(other), record_path(path))
    with pytest.raises(UserError, match=r"wrote it as 6_anomaly/decals-ring/scores\.csv; delete"):
        check(path)


def test_the_advice_to_use_a_changed_file_holds(results):
    (results / SCORES).write_text("average_precision,1\n")
    with pytest.raises(UserError, match=r"or delete \.scores\.csv\.sha256 beside it to use it as"):
        check(results / SCORES)
    record_path(results / SCORES).unlink()
    check(results / SCORES)


def test_a_file_that_has_vanished_is_named(results):
    (results / SCORES).unlink()
    with pytest.raises(UserError, match=r"scores\.csv: gone; run again"):
        check(results / SCORES)
    assert not intact(results / SCORES)


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"0" * 64])
def test_a_damaged_record_is_noticed(results, content):
    record_path(results / SCORES).write_bytes(content)
    with pytest.raises(UserError, match="not as the workflow wrote it"):
        check(results / SCORES)


def test_files_that_users_bring_have_no_record_and_pass(tmp_path):
    write_text("iauname,tag\n", tmp_path / "tags.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["tags.csv"]
    check(tmp_path / "tags.csv")
    check(tmp_path)  # a folder of images


def test_the_checksum_is_that_of_the_content_with_a_record_or_without(results):
    shutil.copy(results / SCORES, results / "copy.csv")
    assert checksum(results / "copy.csv") == checksum(results / SCORES)
    assert checksum(results / SCORES) != checksum(results / "6_anomaly/decals-ring/scores.csv")


def test_a_failed_write_keeps_the_record_of_the_old_file(results):
    with pytest.raises(ValueError, match="stop"), atomic_path(results / SCORES) as temporary:
        temporary.write_text("half")
        raise ValueError("stop")
    check(results / SCORES)
