"""The errors a person sees.

One base class for the whole project, after dvc-data: small error classes stand beside the code that raises them and
make their own message. The stages and the command line print that message and exit 1, so a message names the file or
key, what was found, what was expected, and the fix.
"""

import functools
import sys
from collections.abc import Callable

INTERRUPTED = 130  # the exit code that a shell gives to Ctrl-C
STOPPED = "stopped by Ctrl-C; run the same command again to go on"


class CurationError(Exception):
    """Something the user can mend; its message says how."""


def fail_cleanly(main: Callable[[], None]) -> Callable[[], None]:
    """Wrap a program's `main`, so that it never ends in a traceback for what a person can mend or has asked for.

    A CurationError, or a disk that refuses, becomes one message and exit code 1; Ctrl-C one line and exit code 130.
    """

    @functools.wraps(main)
    def run() -> None:
        try:
            main()
        except CurationError as error:
            sys.exit(f"error: {error}")
        except OSError as error:
            sys.exit(f"error: {disk_message(error)}")
        except KeyboardInterrupt:
            print(STOPPED, file=sys.stderr)
            sys.exit(INTERRUPTED)

    return run


def disk_message(error: OSError) -> str:
    """Say in words what the operating system refused, and what to do about it."""
    where = f" at {error.filename}" if error.filename else ""
    return (
        f"the disk refused{where}: {error.strerror or error}. "
        "Nothing half-written was left; free space or permissions there, then run the same command again."
    )


def in_words(error: Exception) -> str:
    """Say on one line why a file that a person named could not be read."""
    if isinstance(error, OSError):
        return "there is no such file" if isinstance(error, FileNotFoundError) else str(error.strerror or error).lower()
    return " ".join(str(error).split()).replace("Error tokenizing data. C error: ", "") or type(error).__name__
