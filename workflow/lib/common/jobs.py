"""The start of every job."""

from collections.abc import Iterable
from pathlib import Path

from workflow.lib.common.checksums import check
from workflow.lib.common.logs import log_to


def start_job(log: str | Path, inputs: Iterable[str | Path]) -> None:
    """Send messages to the job's log, and check that its inputs are as the workflow wrote them.

    Raises
    ------
    UserError
        If an input is damaged, or another file is in its place.
    """
    log_to(log)
    for path in inputs:
        check(path)
