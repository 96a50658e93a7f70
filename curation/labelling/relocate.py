"""Move one file. If the program is killed, the complete file is at the old or at the new path."""

import errno
import os
import shutil
from pathlib import Path

from curation.predict.decode import content_id


def relocate(start: Path, end: Path) -> None:
    """Move a file to a free path: by a rename, or between file systems by a verified copy and a removal."""
    end.parent.mkdir(parents=True, exist_ok=True)
    try:
        start.rename(end)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_across(start, end)
        start.unlink()


def finish(start: Path, end: Path) -> None:
    """Complete the move of a killed run: of two complete copies remove the first, and remove an incomplete one."""
    _draft(end).unlink(missing_ok=True)
    if start.is_file() and end.is_file() and content_id(start) == content_id(end):
        start.unlink()


def _copy_across(start: Path, end: Path) -> None:
    draft = _draft(end)
    shutil.copy2(start, draft)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    if content_id(draft) != content_id(start):
        draft.unlink()
        raise OSError(errno.EIO, "the copy differs from the original")
    draft.rename(end)


def _draft(end: Path) -> Path:
    return end.with_name(f".{end.name}.moving")
