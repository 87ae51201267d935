"""The one exception that is the user's to mend."""


class UserError(Exception):
    """Something the user can put right.

    The message is one clear line: it names the file, column, key or galaxy, and says what to do.
    Scripts print it without a stack trace.
    """
