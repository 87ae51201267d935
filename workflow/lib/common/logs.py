"""Each job's log: progress, warnings and, if the job fails, the reason."""

import logging
import os
import sys
import traceback
from pathlib import Path
from types import TracebackType

from workflow.lib.common.errors import UserError, of_machine, printable
from workflow.lib.common.owner import ENDING, own


def log_to(path: str | Path) -> None:
    """Send this process's messages, warnings and errors to `path`.

    It also gets what native libraries print. If the job fails, the terminal gets one line. The
    process owns the job until it ends: while it lives, another one that is started for the same job
    ends here, with a line that names this one.

    Parameters
    ----------
    path
        The job's log file; a later attempt overwrites it.
    """
    path = Path(path)
    try:
        own(f"{path}{ENDING}")
        path.write_text("")
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {of_machine(error) or f'{path}: cannot be written ({error})'}")
    logging.basicConfig(
        # Append mode, because standard error is redirected to the same file.
        handlers=[logging.FileHandler(path, mode="a")],
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    terminal = os.dup(2)
    with path.open("a") as file:
        os.dup2(file.fileno(), 2)

    def report_fatal(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, UserError):
            message = f"error: {_one_line(error)}"
        elif words := of_machine(error):
            message = f"error: {words}"
        else:
            logging.critical("".join(traceback.format_exception(kind, error, trace)))
            message = f"unexpected error: {kind.__name__}: {_one_line(error)} (details in {path})"
        logging.error(message)
        os.write(terminal, f"{message}\n".encode())

    sys.excepthook = report_fatal


def _one_line(error: BaseException) -> str:
    return printable(" ".join(line.strip() for line in str(error).splitlines() if line.strip()))
