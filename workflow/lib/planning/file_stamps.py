"""Stamps of the user's files: they show that a file has changed, without reading it.

Snakemake itself reruns a job only if an input is newer than the job's output. It so misses an older
table that is put in a table's place, and any file inside a folder.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path


def stamp(path: str | Path) -> str:
    """Give the size and time of a file, or a hash of those of all files in a folder.

    Returns
    -------
    str
        Empty if there is no such file or folder.
    """
    path = Path(path)
    if path.is_dir():
        return stamp_of_files(path, list_files(path))
    return _facts(path.stat()) if path.exists() else ""


def stamp_of_files(folder: str | Path, files: Iterable[tuple[str, os.stat_result]]) -> str:
    """Give the stamp of a folder whose `files` are listed already, by `list_files`."""
    names = sorted(f"{Path(file).relative_to(folder)} {_facts(status)}" for file, status in files)
    return hashlib.sha256("\n".join(names).encode(errors="surrogateescape")).hexdigest()[:16]


def list_files(folder: str | Path) -> Iterator[tuple[str, os.stat_result]]:
    """List the files in a folder and its subfolders, which may be links, in order."""
    seen = set()
    for inside, folders, files in os.walk(folder, followlinks=True):
        folders.sort()
        place = Path(inside).stat()
        if (place.st_dev, place.st_ino) in seen:  # a link to a folder that it is in
            folders.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        for name in sorted(files):
            file = Path(inside, name)
            if file.is_file():
                yield str(file), file.stat()


@cache
def users_stamp(path: str | None) -> str:
    """Give the stamp of a path in the configuration if it is the user's own, else an empty text.

    What the workflow makes or downloads starts with a pathvar, such as ``<results>``. It may not
    exist yet when jobs are planned, and only the workflow changes it. A path is looked at once.
    """
    return "" if path is None or path.startswith("<") else stamp(path)


def _facts(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns}"
