"""Errors: those that the user can put right, and images or files that could not be fetched."""

import errno


def printable(text: str) -> str:
    """Give a text as one line: names from a file may hold line breaks or codes for the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


class UserError(Exception):
    """A problem that the user can put right.

    The message is one clear line: it names the file, column, key or galaxy, and says what to do.
    Scripts print it without a stack trace.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


MACHINE = {
    errno.ENOSPC: "no space is left on the disk; free some, and run again",
    errno.EFBIG: "the file is larger than the disk or `ulimit -f` allows; raise it, and run again",
    errno.EDQUOT: "your quota on the disk is used up; delete something, and run again",
    errno.EROFS: "the disk can only be read; set 'pathvars.results' to one that can be written",
    errno.EACCES: "you may not write or read this; change its permissions, or name another path",
    errno.EPERM: "you may not write or read this; change its permissions, or name another path",
}
"""What to do about errors of the machine, by their number."""


def of_machine(error: BaseException) -> str:
    """Say in one line what is wrong with the disk, and what to do; empty for other errors."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, OSError) and "requested and" in str(error):  # numpy gives no number
        number = errno.ENOSPC
    if number not in MACHINE:
        return ""
    path = f"{error.filename}: " if error.filename else ""
    return f"{path}{MACHINE[number]} ({first_line(error)})"


def first_line(error: BaseException) -> str:
    """Give the first line of a library's message, to quote in a `UserError`."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


class FetchError(Exception):
    """A galaxy's image or a file could not be fetched, or is not usable.

    Parameters
    ----------
    reason
        One of `not-found`, `html-page`, `truncated`, `not-an-image`, `missing-band`, `empty-sky`,
        `missing-pixels`, `no-contrast`, `unknown-bands`, `unknown-unit`, `no-value`, `unreadable`,
        `too-large`, `timeout`, `connection` or `http-<status>`.
    detail
        What happened, in words.
    transient
        Whether a later attempt may succeed.
    retry_after
        How long the server asks us to wait before the next attempt [s], if it does.
    """

    def __init__(
        self, reason: str, detail: str, transient: bool = False, retry_after: float | None = None
    ) -> None:
        self.reason = reason
        self.detail = printable(detail)
        super().__init__(f"{reason}: {self.detail}")
        self.transient = transient
        self.retry_after = retry_after
