"""The errors a person sees.

One base class for the whole project, after dvc-data: small error classes stand beside the code that raises them and
make their own message. The stages and the command line print that message and exit 1, so a message names the file or
key, what was found, what was expected, and the fix. A message holds names of files and classes, and nothing in a name
may act on the terminal; `printable` sees to it.
"""

import functools
import re
import sys
import unicodedata
from collections.abc import Callable

INTERRUPTED = 130  # the exit code that a shell gives to Ctrl-C
STOPPED = "stopped by Ctrl-C; run the same command again to go on"
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode's categories: controls, formats, halves of pairs, line separators
LONGEST_WORD, LONGEST = 1000, 5000  # characters that a message shows of one word, and in all
JOINERS = "\u200c\u200d"  # formats that Persian, the scripts of India and emoji are written with


class CurationError(Exception):
    """Something the user can mend; its message says how."""


def printable(text: str, keep: str = "") -> str:
    """Replace every character that a terminal may act on by its Python escape, except those in `keep`.

    Such are control characters, escape sequences, and what turns the direction of reading (U+202E).
    """
    if text.isprintable():
        return text
    return "".join(one if one in keep or not unseen(one) else one.encode("unicode_escape").decode() for one in text)


def unseen(one: str) -> bool:
    """Whether a character leaves no mark of its own and may act on a terminal."""
    return unicodedata.category(one) in UNSEEN and one not in JOINERS


def message_of(error: Exception) -> str:
    """Return what a person reads of an error: its words, short also where a cell of a file is endless."""
    words = re.sub(
        rf"\S{{{LONGEST_WORD},}}", lambda found: f"{found[0][:300]}... ({len(found[0]):,} characters)", str(error)
    )
    return f"error: {words if len(words) <= LONGEST else words[:LONGEST] + '...'}"


def fail_cleanly(main: Callable[[], None]) -> Callable[[], None]:
    """Wrap a program's `main`, so that it never ends in a traceback for what a person can mend or has asked for.

    A CurationError, or a disk that refuses, becomes one message and exit code 1; Ctrl-C one line and exit code 130.
    """

    @functools.wraps(main)
    def run() -> None:
        try:
            main()
        except CurationError as error:
            sys.exit(printable(message_of(error), keep="\n"))
        except OSError as error:
            sys.exit(printable(f"error: {disk_message(error)}", keep="\n"))
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
