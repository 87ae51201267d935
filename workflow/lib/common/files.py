"""Atomic files: a killed job leaves no incomplete file under the final name."""

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workflow.lib.common.checksums import write_record


@contextmanager
def atomic_path(path: str | Path, rows: Iterable[str] | None = None) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it onto `path` when the block succeeds.

    The temporary name has the final one's ending, because libraries choose the format by it.

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
    temporary = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        yield temporary
        write_record(temporary, path, rows)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(text: str, path: str | Path) -> None:
    """Write `text` to `path`, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def write_json(value: Any, path: str | Path) -> None:
    """Write `value` as indented JSON to `path`, atomically."""
    write_text(json.dumps(value, indent=2) + "\n", path)
