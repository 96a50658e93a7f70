"""The error of a file that is not read, although nothing in it is damaged."""


class Refused(ValueError):  # noqa: N818 - it says what happened
    """A file that is refused; the message says why, and what helps."""
