"""Atomic writes: a file is written under a temporary name in the same folder, then renamed (invariant 6).

POSIX promises that a rename within a folder is one step, so a reader sees the old file or the new one, never a part.
The draft is synced before the rename and the folder after it, so this also holds after a loss of power (the order is
that of SQLite and LevelDB). The target may be a link into DVC's cache: the link is replaced, and the cache is never
written to.

Two processes may write the same file at a time. Each has a draft of its own, which it locks, and the last rename holds.
A draft that nobody locks is the rest of a killed process; the next writer takes it over, so drafts never pile up.
"""

import errno
import fcntl
import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUFFIX = ".partial"
LONGEST_NAME = 255  # bytes of one name, on the file systems of Linux, macOS and Windows


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give the path of an empty draft to write; when the block ends well the draft becomes `path`, else it is removed.

    The block may write the draft in any way that keeps the file itself, as `open(draft, "wb")` does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft, lock = _own_draft(path)
    try:
        yield draft
        sync(draft)
        draft.replace(path)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        named(error, path)
        raise
    finally:
        os.close(lock)
    sync(path.parent)


def named(error: BaseException, path: Path) -> None:
    """Let an error of the disk that names no file, as a full disk gives it, name this one."""
    if isinstance(error, OSError) and error.filename is None and error.errno is not None:
        error.filename = os.fspath(path)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, whole or not at all, with the line ends it has."""
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="")


def reserve(file: int) -> None:
    """Take the blocks of an open file on the disk now, where the system can do so.

    For files that are written through memory (numpy's memmap): a full disk is an OSError here, and later it would end
    the process with SIGBUS.
    """
    size = os.fstat(file).st_size
    if size and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file, 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise


def is_abandoned(draft: Path) -> bool:
    """Return True for a draft that no process is writing. The caller may delete it."""
    try:
        file = os.open(draft, os.O_RDWR if os.access(draft, os.W_OK) else os.O_RDONLY)
    except OSError:
        return False
    try:
        return locked(file)
    finally:
        os.close(file)


def fitting(name: str, mark: str = "") -> str:
    """Return a file name with `mark` before its suffix, and its stem cut where the name is longer than a disk takes."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a name is no path: it may be `.` or hold any character
    room = LONGEST_NAME - len(os.fsencode(mark + suffix))
    if room < 1:
        return fitting(f"{stem}{mark}")
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return f"{stem}{mark}{suffix}"


def _own_draft(path: Path) -> tuple[Path, int]:
    """Make, or take over, a draft that no other process writes. Returns its path and the file that holds its lock."""
    for number in itertools.count():
        draft = path.with_name(_draft_name(path.name, number))
        file = os.open(draft, os.O_RDWR | os.O_CREAT, 0o666)
        if locked(file) and is_at(file, draft, follow_symlinks=False):
            os.ftruncate(file, 0)
            return draft, file
        os.close(file)
    raise AssertionError  # count never ends


def _draft_name(name: str, number: int) -> str:
    end = f".{number}{SUFFIX}" if number else SUFFIX
    if len(os.fsencode(name)) + len(end) + 1 > LONGEST_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return f".{name}{end}"


def locked(file: int) -> bool:
    """Lock an open file without waiting. True where the file system has no locks: nobody can then be told apart."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def is_at(file: int, path: Path, *, follow_symlinks: bool = True) -> bool:
    """Whether an open file is still the one at this path. It may have been renamed before its lock was free."""
    try:
        return os.path.samestat(os.fstat(file), path.stat(follow_symlinks=follow_symlinks))
    except FileNotFoundError:
        return False


def sync(path: Path) -> None:
    """Wait until the bytes of a file, or the names in a folder, are on the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
