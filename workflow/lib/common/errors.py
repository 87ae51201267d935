"""The one exception that is the user's to mend."""


class UserError(Exception):
    """Something the user can put right.

    The message is one clear line: it names the file, column, key or galaxy, and says what to do.
    Scripts print it without a stack trace.
    """


def first_line(error: Exception) -> str:
    """Give the first line of what a library says, to be told with what it means to the user."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
