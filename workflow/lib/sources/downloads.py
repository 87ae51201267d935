"""Downloads of large files: resumed when interrupted, and always checked against a checksum."""

import csv
import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow.lib.common.errors import FetchError, UserError
from workflow.lib.common.files import write_text

if TYPE_CHECKING:
    import requests

    from workflow.lib.sources.http import PoliteClient

log = logging.getLogger(__name__)

COLUMNS = ("file", "url", "sha256", "bytes", "licence", "used_by")
LOGGED_BYTES = 2**28
OK, PARTIAL, UNSATISFIABLE = 200, 206, 416


@dataclass(frozen=True)
class Download:
    """A row of config/downloads.tsv."""

    file: str
    url: str
    sha256: str | None
    bytes: int | None
    licence: str
    used_by: str


def read_downloads(path: str | Path) -> dict[str, Download]:
    """Read the table of files to download.

    Parameters
    ----------
    path
        Tab-separated, with the columns file, url, sha256, bytes, licence and used_by; sha256 and
        bytes may be empty. Lines starting with # are comments.

    Returns
    -------
    dict of str to Download
        By file name.

    Raises
    ------
    UserError
        Naming the file, the line and what is wrong with it.
    """
    try:
        lines = Path(path).read_text().splitlines()
    except FileNotFoundError:
        raise UserError(f"{path}: no such table of downloads") from None
    rows = csv.DictReader(
        (line for line in lines if line.strip() and not line.startswith("#")), delimiter="\t"
    )
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise UserError(f"{path}: the columns must be {', '.join(COLUMNS)}, separated by tabs")
    downloads: dict[str, Download] = {}
    for row in rows:
        download = _parse_row(row, path)
        if download.file in downloads:
            raise UserError(f"{path}: file '{download.file}' is listed twice; remove one")
        downloads[download.file] = download
    return downloads


def download_file(
    url: str,
    path: str | Path,
    client: "PoliteClient",
    sha256: str | None = None,
    size: int | None = None,
    record: str | Path | None = None,
) -> None:
    """Download a file; resume where an earlier attempt or run was interrupted.

    Parameters
    ----------
    url
        http or https.
    path
        Path of the finished file. Until it is complete its bytes are in ``{path}.part``.
    client
        Makes the requests. Attempts are counted from 0 again whenever bytes have arrived.
    sha256, size
        Checksum and number of bytes that the file must have, if known.
    record
        File that keeps the checksum, in the format of ``sha256sum``; by default ``{path}.sha256``.
        The first download writes it; later downloads must have the same checksum.

    Raises
    ------
    UserError
        If the download fails, or the file does not have the known or recorded checksum.
    """
    path = Path(path)
    record = Path(record) if record else path.with_name(f"{path.name}.sha256")
    part = path.with_name(f"{path.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    known = sha256 or _recorded(record)
    try:
        client.retrying(_no_progress(part, client.attempts))(_fetch_rest, url, part, client, known)
    except FetchError as error:
        raise UserError(
            f"{path.name}: not downloaded ({error}); run again to resume at byte "
            f"{_size(part)}, or put the file at {path} yourself"
        ) from error
    _check(part, path.name, url, sha256, size, record)
    if not record.exists():
        write_text(f"{_sha256(part)}  {path.name}\n", record)
    part.replace(path)
    _validator_file(part).unlink(missing_ok=True)
    log.info("%s: %d bytes, checksum as in %s", path.name, path.stat().st_size, record)


def _parse_row(row: dict[str, str | None], path: str | Path) -> Download:
    name = row["file"]
    if None in row or None in row.values():
        raise UserError(
            f"{path}: file '{name}' must have {len(COLUMNS)} columns, separated by tabs"
        )
    values: dict[str, Any] = {key: value.strip() for key, value in row.items()}
    if not values["file"] or Path(values["file"]).name != values["file"]:
        raise UserError(f"{path}: file '{name}' must be a plain file name")
    if not values["url"].startswith(("http://", "https://")):
        raise UserError(f"{path}: file '{name}': url must start with http:// or https://")
    digits = values["sha256"].lower()
    if digits and not (len(digits) == 64 and set(digits) <= set("0123456789abcdef")):
        raise UserError(f"{path}: file '{name}': sha256 must have 64 hexadecimal digits")
    if values["bytes"] and not values["bytes"].isdecimal():
        raise UserError(f"{path}: file '{name}': bytes must be a whole number")
    values |= {"sha256": digits or None, "bytes": int(values["bytes"] or 0) or None}
    return Download(**values)


def _fetch_rest(url: str, part: Path, client: "PoliteClient", known: str | None) -> None:
    """Append the missing bytes to `part`, or start over if the server's file may have changed."""
    have = _size(part)
    validator_file = _validator_file(part)
    validator = validator_file.read_text() if validator_file.exists() else None
    headers = {}
    # Without a validator or checksum we cannot know whether the server has the same file still.
    if have and (validator or known):
        headers = {"Range": f"bytes={have}-"} | ({"If-Range": validator} if validator else {})
    accept = (OK, PARTIAL, UNSATISFIABLE) if headers else (OK,)
    with client.open(url, headers=headers, accept=accept) as (response, pieces):
        place = response.headers.get("Content-Range", "")
        if response.status_code == UNSATISFIABLE and place == f"bytes */{have}":
            return
        resumed = response.status_code == PARTIAL and place.startswith(f"bytes {have}-")
        if resumed or response.status_code == OK:
            _refuse_web_page(response, part)
            if not resumed:
                _keep_validator(response, validator_file)
            _write(pieces, part, "ab" if resumed else "wb")
            return
    log.info("%s: the partial file does not match the server's file; starting over", part.name)
    part.unlink()
    _fetch_rest(url, part, client, known)


def _write(pieces: Iterator[bytes], part: Path, mode: str) -> None:
    with part.open(mode) as file:
        logged = file.tell()
        log.info("%s: from byte %d", part.name, logged)
        for piece in pieces:
            file.write(piece)
            if file.tell() - logged >= LOGGED_BYTES:
                logged = file.tell()
                log.info("%s: %.1f GB", part.name, logged / 1e9)


def _keep_validator(response: "requests.Response", file: Path) -> None:
    etag = response.headers.get("ETag", "")
    # If-Range must not have a weak tag: that promises the same meaning, not the same bytes.
    validator = response.headers.get("Last-Modified") if etag[:2] in ("", "W/") else etag
    if validator:
        file.write_text(validator)
    else:
        file.unlink(missing_ok=True)


def _refuse_web_page(response: "requests.Response", part: Path) -> None:
    html = response.headers.get("Content-Type", "").startswith("text/html")
    if html and ".htm" not in part.name:
        raise UserError(
            f"{part.stem}: {response.url} answers with a web page, perhaps a login; "
            f"download it by hand to {part.with_suffix('')}"
        )


def _no_progress(part: Path, attempts: int) -> Callable[[Any], bool]:
    sizes: list[int] = []

    def stop(_state: Any) -> bool:
        sizes.append(_size(part))
        return len(sizes) >= attempts and len(set(sizes[-attempts:])) == 1

    return stop


def _check(
    part: Path, name: str, url: str, sha256: str | None, size: int | None, record: Path
) -> None:
    if size is not None and _size(part) != size:
        found = _size(part)
        part.unlink()
        raise UserError(
            f"{name}: {url} gave {found} bytes, but the table of downloads says {size}; "
            "run again, or correct the table if the file has changed"
        )
    for expected, where, remedy in (
        (sha256, "the table of downloads", "correct the table"),
        (_recorded(record), str(record), f"delete {record}"),
    ):
        if expected is None:
            continue
        found = _sha256(part)
        if found != expected:
            part.unlink()
            raise UserError(
                f"{name}: {url} gave a file with sha256 {found}, but {where} says {expected}; run "
                f"again if the transfer was damaged, or {remedy} to accept the new file"
            )


def _recorded(record: Path) -> str | None:
    return record.read_text().split()[0] if record.exists() else None


def _validator_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.validator")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
