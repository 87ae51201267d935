"""Checksums of the workflow's own files, so that no damaged or misplaced one becomes a number.

Beside each file in a stage's folder, such as ``6_anomaly/gz2-odd/scores.csv``, is a hidden record,
``.scores.csv.sha256``, in the format of ``sha256sum``. It has the path from the stage's folder on:
results can be moved as a whole, but not exchanged. Files that users bring have no record, and are
read unchecked.
"""

import hashlib
import logging
import re
from collections.abc import Iterable
from pathlib import Path

from workflow.lib.common.errors import UserError

log = logging.getLogger(__name__)

STAGE = re.compile(r"\d_[a-z]+")
"""Name of a stage's folder."""
ROWS = "# galaxies: "
"""Starts the line with the hash of the galaxies' names, of an array whose rows they are.
``sha256sum`` takes it for a comment."""


def record_path(path: str | Path) -> Path:
    """Give the path of a file's record: its checksum, and what it is of."""
    path = Path(path)
    return path.with_name(f".{path.name}.sha256")


def write_record(content: Path, path: str | Path, rows: Iterable[str] | None = None) -> None:
    """Record the checksum of `content`, which is about to be renamed to `path`.

    Parameters
    ----------
    rows
        The iauname of each row, if the file is an array: `recorded_rows` gives their hash.
    """
    if place := _place(path):
        names = "" if rows is None else f"{ROWS}{hash_names(rows)}\n"
        record_path(path).write_text(f"{_hash(content)}  {place}\n{names}")


def check(path: str | Path) -> None:
    """Raise `UserError` if a file that the workflow wrote is damaged, or was written elsewhere."""
    record = record_path(path)
    if not record.exists():
        return
    digest, _, place = _first_line(record).partition("  ")
    here = _place(path)
    if not Path(path).exists():
        raise UserError(f"{path}: gone; run again to make it anew")
    if digest != _hash(path):
        reason = "not as the workflow wrote it: damaged, changed, or another file in its place"
    elif place != here:
        reason = f"the workflow wrote it as {place}"
    else:
        return
    raise UserError(
        f"{path}: {reason}; delete it and run again to make it anew, or delete {record.name} "
        "beside it to use it as it is"
    )


def intact(path: str | Path) -> bool:
    """Tell whether a partial result exists and is as the workflow wrote it; log if it is not."""
    if not Path(path).exists():
        return False
    try:
        check(path)
    except UserError as error:
        log.warning("made anew: %s", error)
        return False
    return True


def checksum(path: str | Path) -> str:
    """Give the SHA-256 of a file: the one recorded, against which each job checks its inputs."""
    record = record_path(path)
    return _first_line(record).partition("  ")[0] if record.exists() else _hash(path)


def recorded_rows(path: str | Path) -> str:
    """Give the hash of the names of an array's rows; empty if it is not recorded."""
    record = record_path(path)
    text = record.read_text(errors="replace") if record.exists() else ""
    return text.partition(ROWS)[2].strip()


def hash_names(iaunames: Iterable[str]) -> str:
    """Hash the names of galaxies, in their order."""
    return hashlib.sha256("\n".join(iaunames).encode()).hexdigest()


def _place(path: str | Path) -> str:
    """Give the path from the stage's folder on; empty if the file is in no such folder."""
    parts = Path(path).parts
    stages = [number for number, part in enumerate(parts[:-1]) if STAGE.fullmatch(part)]
    return "/".join(parts[stages[-1] :]) if stages else ""


def _hash(path: str | Path) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(record: Path) -> str:
    return record.read_text(errors="replace").partition("\n")[0]
