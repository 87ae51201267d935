"""Downloads from a real server on this machine: interrupted, resumed, changed."""

import hashlib
import subprocess

import pytest

from tests.cutout_service import CutoutService
from workflow.lib.common.errors import UserError
from workflow.lib.sources.downloads import Download, download_file, read_downloads
from workflow.lib.sources.http import PoliteClient

BODY = bytes(range(256)) * 4000
SUM = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def service():
    with CutoutService() as service:
        service.files["atlas.fits"] = BODY
        yield service


@pytest.fixture
def url(service):
    return f"{service.address}/files/atlas.fits"


@pytest.fixture
def client():
    return PoliteClient("test", timeout=60, attempts=3, sleep=lambda seconds: None)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "downloads" / "atlas.fits"


def names_in(folder) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def asked_ranges(service) -> list[str | None]:
    return [request["headers"].get("Range") for request in service.requests]


def test_a_file_is_downloaded_and_its_checksum_recorded(service, url, client, path):
    download_file(url, path, client)
    assert path.read_bytes() == BODY
    check = subprocess.run(["sha256sum", "-c", "atlas.fits.sha256"], cwd=path.parent, check=False)
    assert check.returncode == 0, "the record is one that sha256sum reads"
    assert names_in(path.parent) == ["atlas.fits", "atlas.fits.sha256"]


def test_an_interrupted_transfer_is_resumed(service, url, client, path):
    service.breaks = [300_000, 500_000]
    download_file(url, path, client)
    assert path.read_bytes() == BODY
    assert asked_ranges(service) == [None, "bytes=300000-", "bytes=800000-"]
    assert service.requests[1]["headers"]["If-Range"] == '"one"'


def test_attempts_are_counted_from_zero_after_every_progress(service, url, client, path):
    service.breaks = [100_000] * 9
    download_file(url, path, client)
    assert path.read_bytes() == BODY
    assert len(service.requests) == 10


def test_a_transfer_without_progress_is_given_up_and_resumed_by_the_next_run(
    service, url, client, path
):
    service.breaks = [400_000, 0, 0, 0]
    with pytest.raises(UserError, match=r"atlas\.fits: not downloaded .* byte 400000"):
        download_file(url, path, client)
    assert not path.exists()
    service.breaks = []
    download_file(url, path, client)
    assert path.read_bytes() == BODY
    assert asked_ranges(service)[-1] == "bytes=400000-"


def test_a_file_that_has_changed_is_downloaded_from_the_start(service, url, client, path):
    service.breaks = [300_000, 0, 0, 0]
    with pytest.raises(UserError):
        download_file(url, path, client)
    service.files["atlas.fits"], service.etag, service.breaks = BODY[::-1], '"two"', []
    download_file(url, path, client)
    assert path.read_bytes() == BODY[::-1]


def test_from_a_server_without_ranges_a_download_starts_over(service, url, client, path):
    service.ranges, service.breaks = False, [300_000]
    download_file(url, path, client)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize(
    ("etag", "headers", "resumes"),
    [
        (None, {}, False),
        ('W/"weak"', {}, False),
        (None, {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}, True),
    ],
)
def test_only_a_file_known_to_be_the_same_is_resumed(
    service, url, client, path, etag, headers, resumes
):
    service.etag, service.file_headers, service.breaks = etag, headers, [300_000]
    download_file(url, path, client)
    assert path.read_bytes() == BODY
    assert asked_ranges(service)[1] == ("bytes=300000-" if resumes else None)


def test_a_known_checksum_allows_resuming_without_a_validator(service, url, client, path):
    service.etag, service.breaks = None, [300_000]
    download_file(url, path, client, sha256=SUM, size=len(BODY))
    assert asked_ranges(service) == [None, "bytes=300000-"]


def test_a_part_that_is_already_complete_is_only_checked(service, url, client, path):
    path.parent.mkdir()
    path.with_name("atlas.fits.part").write_bytes(BODY)
    download_file(url, path, client, sha256=SUM)
    assert path.read_bytes() == BODY
    assert asked_ranges(service) == [f"bytes={len(BODY)}-"]


def test_a_part_longer_than_the_file_is_thrown_away(service, url, client, path):
    path.parent.mkdir()
    path.with_name("atlas.fits.part").write_bytes(BODY + b"more")
    download_file(url, path, client, sha256=SUM)
    assert path.read_bytes() == BODY


def test_a_file_unlike_the_recorded_one_is_refused_until_the_record_is_deleted(
    service, url, client, path
):
    download_file(url, path, client)
    path.unlink()
    service.files["atlas.fits"] = other = BODY + b"new release"
    with pytest.raises(UserError) as caught:
        download_file(url, path, client)
    record = path.with_name("atlas.fits.sha256")
    for part in ("atlas.fits", SUM, hashlib.sha256(other).hexdigest(), f"delete {record}"):
        assert part in str(caught.value)
    assert not path.exists()
    record.unlink()
    download_file(url, path, client)
    assert path.read_bytes() == other


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"sha256": "0" * 64}, f"{SUM}.*table of downloads says 0000"),
        ({"size": 7}, "bytes, but the table of downloads says 7"),
    ],
)
def test_a_file_unlike_the_one_in_the_table_is_refused(service, url, client, path, known, message):
    with pytest.raises(UserError, match=message):
        download_file(url, path, client, **known)
    assert "atlas.fits" not in names_in(path.parent)


def test_a_login_page_is_refused(service, url, client, path):
    service.file_headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(UserError, match=r"web page.*download it by hand to .*atlas\.fits$"):
        download_file(url, path, client)


def test_a_missing_file_is_requested_once(service, client, path):
    service.faults[""] = ["404"]
    with pytest.raises(UserError, match=r"atlas\.fits: not downloaded \(not-found"):
        download_file(f"{service.address}/gone", path, client)
    assert len(service.requests) == 1


# The table

HEAD = "file\turl\tsha256\tbytes\tlicence\tused_by\n"


def write(tmp_path, text):
    path = tmp_path / "downloads.tsv"
    path.write_text(text)
    return path


def test_the_table_is_read(tmp_path):
    table = write(
        tmp_path,
        f"# where files come from\n{HEAD}a.fits\thttps://a.org/a\t{SUM.upper()}\t12\tCC-BY\tcatalogue\n"
        "b.csv\thttps://a.org/b\t\t\tCC0\tgz2\n",
    )
    assert read_downloads(table) == {
        "a.fits": Download("a.fits", "https://a.org/a", SUM, 12, "CC-BY", "catalogue"),
        "b.csv": Download("b.csv", "https://a.org/b", None, None, "CC0", "gz2"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns must be file, url"),
        ("file,url\n", "columns must be file, url"),
        (HEAD + "a.fits\thttps://a.org\n", "'a.fits' must have 6 columns"),
        (HEAD + "a\thttps://a.org\t\t\tx\ty\tz\n", "'a' must have 6 columns"),
        (HEAD + "../a\thttps://a.org\t\t\tx\ty\n", "'../a' must be a plain file name"),
        (HEAD + "\thttps://a.org\t\t\tx\ty\n", "'' must be a plain file name"),
        (HEAD + "a\tftp://a.org\t\t\tx\ty\n", "'a': url must start with http"),
        (HEAD + "a\thttps://a.org\tabc\t\tx\ty\n", "'a': sha256 must have 64"),
        (HEAD + "a\thttps://a.org\t\t1 GB\tx\ty\n", "'a': bytes must be a whole number"),
        (HEAD + "a\thttps://a.org\t\t\tx\ty\n" * 2, "'a' is listed twice"),
    ],
)
def test_a_bad_table_says_what_is_wrong(tmp_path, text, message):
    with pytest.raises(UserError, match=r"downloads\.tsv: .*" + message.replace(".", r"\.")):
        read_downloads(write(tmp_path, text))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match="no such table"):
        read_downloads(tmp_path / "downloads.tsv")
