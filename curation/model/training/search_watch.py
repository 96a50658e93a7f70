"""The training side of `curate tune`: it reports every epoch to the search, and stops when the search says so.

The search names a folder in an environment variable. The run appends its epochs to a file there. A stop file in the
folder ends the run at its next epoch, and so does the end of the search itself.
"""

import json
import os
from pathlib import Path

from curation.errors import CurationError

WATCH = "CURATION_WATCH"  # names the folder through which a search follows a training process
PROGRESS, STOP, OWNER = "epochs.jsonl", "stop", "owner"
Row = dict[str, float]


class StoppedError(CurationError):
    """The search has stopped this run, or has ended."""

    def __init__(self) -> None:
        super().__init__("stopped early: the search has stopped these parameters, or has ended")


def watch(row: Row) -> None:
    """Report an epoch to the search that started this process; StoppedError when the search says stop or has ended."""
    folder = os.environ.get(WATCH)
    if not folder:
        return
    with (Path(folder) / PROGRESS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    if (Path(folder) / STOP).exists() or not _is_alive(int((Path(folder) / OWNER).read_text(encoding="ascii"))):
        raise StoppedError


def give_up() -> None:
    """Tell the search that started this process to give these parameters up."""
    folder = os.environ.get(WATCH)
    if folder:
        (Path(folder) / STOP).touch()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
