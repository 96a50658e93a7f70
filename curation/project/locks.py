"""File locks: one command at a time does what two must not do together.

filelock asks the system for the lock, which lets go of it when the process ends, however it ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from curation.errors import CurationError


class LockedError(CurationError):
    """Another command holds the lock."""


@contextmanager
def hold(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of the file `path`: wait for the command that has it, or raise LockedError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout:
        raise LockedError(f"another command holds {path}: wait until it ends") from None
    try:
        yield
    finally:
        lock.release()
