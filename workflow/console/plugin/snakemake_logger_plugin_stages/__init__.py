"""Snakemake's `--logger stages`: a line when a stage starts and ends, instead of several a job.

Snakemake finds a logger by this package's name on Python's path, so `make toy` puts this folder
there. Snakemake's own text is in its log file, whose path is printed first. Warnings and errors are
printed in full.
"""

import logging
import shutil
import sys
import time
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from workflow.console.progress import Progress, rules_by_stage

PASSED_ON = ("Nothing to be done", "Complete log(s)")
"""Beginnings of Snakemake's messages that are printed as they are."""


class LogHandler(LogHandlerBase):
    """Print how far the stages are; on a terminal, also a line that is rewritten."""

    def __post_init__(self) -> None:
        self.progress = Progress(rules_by_stage(), clock=time.monotonic)
        self.stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self.live = self.stream.isatty()

    def emit(self, record: logging.LogRecord) -> None:
        """Print what a message means for the reader."""
        try:
            self._tell(record)
        except Exception:
            self.handleError(record)

    def _tell(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        if self.common_settings.dryrun or record.levelno >= logging.WARNING:
            self._print(self.format(record))
        elif event == LogEvent.RUN_INFO:
            self._print(f"Snakemake's own messages: {newest_log()}")
            self._print(self.progress.plan(record.stats))
        elif event == LogEvent.JOB_INFO:
            started = self.progress.start(record.jobid, record.rule_name, record.output)
            # On a terminal the rewritten line shows it.
            self._print(None if self.live else started)
        elif event == LogEvent.JOB_FINISHED:
            for line in self.progress.finish(record.job_id):
                self._print(line)
        elif event is None and str(record.msg).startswith(PASSED_ON):
            self._print(record.getMessage())
        if self.live:
            self._rewrite(self.progress.now())

    def _print(self, line: str | None) -> None:
        if not line:
            return
        self._rewrite("")
        self.stream.write(f"{line}\n")
        self.stream.flush()

    def _rewrite(self, text: str) -> None:
        """Replace the last line, and go back to its start: a script's error may come next."""
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(f"\r\x1b[K{text[:width]}\r")
            self.stream.flush()

    def close(self) -> None:
        """Remove the line that is rewritten."""
        self._rewrite("")
        super().close()

    writes_to_stream = property(lambda self: True)
    writes_to_file = property(lambda self: False)
    has_filter = property(lambda self: False)
    has_formatter = property(lambda self: False)
    needs_rulegraph = property(lambda self: False)


def newest_log(folder: str | Path = ".snakemake/log") -> str:
    """Give the path of the log file that Snakemake wrote to last."""
    logs = sorted(Path(folder).glob("*.log"), key=lambda path: path.stat().st_mtime)
    return str(logs[-1]) if logs else "none"
