"""File locks, for work that only one command may do at a time.

filelock asks the operating system for the lock. The system releases it when the process ends, also after a crash.
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
    """Hold the lock of the file `path`. Wait until it is free; without `wait`, raise LockedError instead."""
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
