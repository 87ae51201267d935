"""Who is at work: a lock file that names its process, and counts only while that process lives.

The lock is the kernel's (fcntl). It ends with its process however that ends, so no lock is ever
stale, and it holds between the computers of a cluster whose shared file system has such locks.
"""

import atexit
import fcntl
import logging
import os
import socket
from datetime import datetime
from pathlib import Path
from typing import TextIO

from workflow.lib.common.errors import UserError

RUN = Path(".snakemake/run.owner")
"""The lock file of the Snakemake that is at work in this folder."""

ENDING = ".owner"
"""What the lock file of a job has after the name of the job's log."""

log = logging.getLogger(__name__)

# Kept open until the process ends: the lock ends as soon as the file is closed.
_held: list[TextIO] = []
_starters: list[int] = []


def own(path: str | Path) -> None:
    """Lock a file for as long as this process lives; it is removed at the end.

    The file says who has it: the process, its host and when it started. Where the file system has
    no locks, a warning is logged.

    Parameters
    ----------
    path
        The file. Its folder is made if it is missing.

    Raises
    ------
    UserError
        If another process has the lock.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    while not (file := _locked(path)):
        pass
    now = datetime.now().astimezone().isoformat(" ", "seconds")
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()} since {now}")
    file.flush()
    _held.append(file)
    atexit.register(path.unlink, missing_ok=True)
    _starters[:] = _snakemakes()


def owner_of(path: str | Path) -> str:
    """Describe the other process that has a lock file; empty if none has."""
    try:
        with Path(path).open("r+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                return _name(file)
            except OSError:  # a file system without locks
                return ""
    except FileNotFoundError:
        pass
    return ""


def refusal(path: str | Path, owner: str) -> str:
    """Say who has a lock file, and what to do about it."""
    number = owner.split()[1] if owner.startswith("process") else "its number"
    return (
        f"{path}: {owner} is still at work; wait until it has ended, or end it there with "
        f"'kill {number}' (if that computer has crashed, delete this file), then run again"
    )


def orphaned() -> bool:
    """Tell whether a Snakemake above this process has died since `own`: it will repeat this job."""
    return bool(_starters) and _snakemakes() != _starters


def _locked(path: Path) -> TextIO | None:
    """Open and lock a file; None if its last owner has removed it meanwhile."""
    file = path.open("a+")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        owner = _name(file)
        file.close()
        raise UserError(refusal(path, owner)) from None
    except OSError as error:
        log.warning("%s: no lock (%s); start nothing twice at a time", path, error.strerror)
    try:
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
    except FileNotFoundError:
        pass
    file.close()
    return None


def _name(file: TextIO) -> str:
    file.seek(0)
    return file.read() or "another process"


def _snakemakes() -> list[int]:
    """List the processes above this one that run Snakemake; none where there is no /proc."""
    found, number = [], os.getppid()
    try:
        while number > 1:
            process = Path("/proc") / str(number)
            if b"snakemake" in (process / "cmdline").read_bytes():
                found.append(number)
            number = int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        pass
    return found
