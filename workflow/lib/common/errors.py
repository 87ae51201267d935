"""The one exception that is the user's to mend."""


class UserError(Exception):
    """Something the user can put right.

    The message is one clear line: it names the file, column, key or galaxy, and says what to do.
    Scripts print it without a stack trace.
    """


def first_line(error: Exception) -> str:
    """Give the first line of what a library says, to be told with what it means to the user."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


class FetchError(Exception):
    """One galaxy has no usable image.

    Parameters
    ----------
    reason
        One of `not-found`, `html-page`, `truncated`, `not-an-image`, `missing-band`, `empty-sky`,
        `missing-pixels`, `too-large`, `timeout`, `connection` or `http-<status>`.
    detail
        What happened, in words.
    transient
        Whether another attempt may succeed.
    retry_after
        How long the server asked us to wait [s], if it did.
    """

    def __init__(
        self, reason: str, detail: str, transient: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.transient = transient
        self.retry_after = retry_after
