"""Atomic files: a killed job leaves no incomplete file under the final name."""

import glob
import json
import os
import re
import secrets
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from workflow.lib.common.checksums import write_record

LONGEST = 3600
"""A temporary file of another host counts as left behind if it has not changed for so long [s]."""


@contextmanager
def atomic_path(path: str | Path, rows: Iterable[str] | None = None) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it onto `path` when the block succeeds.

    The file is on the disk before it gets its name, so not even a power cut leaves half of it. The
    temporary name has the final one's ending, because libraries choose the format by it, and names
    its process: those that killed processes have left for this path are removed.

    Parameters
    ----------
    path
        Path of the finished file. Its folder is made if it is missing. The checksum of a file in a
        stage's folder is recorded, see `checksums`.
    rows
        The iauname of each row, if the file is an array; they may be known at the block's end only.

    Yields
    ------
    Path
        The temporary path to write to. It is removed if the block raises.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_behind(path)
    mark = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    temporary = path.with_name(f".{mark}.{path.name}")
    try:
        yield temporary
        _flush(temporary)
        write_record(temporary, path, rows)
        temporary.replace(path)
        with suppress(OSError):  # some file systems cannot do this for folders
            _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(text: str, path: str | Path) -> None:
    """Write `text` to `path`, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def write_json(value: Any, path: str | Path) -> None:
    """Write `value` as indented JSON to `path`, atomically."""
    write_text(json.dumps(value, indent=2) + "\n", path)


def _flush(path: Path) -> None:
    """Have a file's content, or a folder's names, written to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _remove_left_behind(path: Path) -> None:
    for left in path.parent.glob(f".*.{glob.escape(path.name)}"):
        named = re.fullmatch(r"\.(.+)-(\d+)-[0-9a-f]{8}\." + re.escape(path.name), left.name)
        if named and not _alive(left, named[1], int(named[2])):
            left.unlink(missing_ok=True)


def _alive(temporary: Path, host: str, process: int) -> bool:
    """Tell whether the process that writes a temporary file may still live."""
    try:
        if host != socket.gethostname():
            return time.time() - temporary.stat().st_mtime < LONGEST
        os.kill(process, 0)
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:  # it lives, and is another user's
        pass
    return True
