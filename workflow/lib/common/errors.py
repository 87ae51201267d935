"""Errors: those that the user can put right, and images or files that could not be fetched."""


class UserError(Exception):
    """A problem that the user can put right.

    The message is one clear line: it names the file, column, key or galaxy, and says what to do.
    Scripts print it without a stack trace.
    """


def first_line(error: Exception) -> str:
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
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.transient = transient
        self.retry_after = retry_after
