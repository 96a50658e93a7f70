"""Append-only logs: lines are added and never rewritten, by any number of processes.

An exclusive lock stands around every append. All lines of one append are written and synced, or the file gets its old
size back: a full disk leaves no half line. A line that a killed process left open is closed by the next append, so that
it stays a line of its own. Whoever reads names a bad line by its number and never joins it with its neighbours.

The lock is on the log itself and not on a lock file of `curation.project.locks`. So it is one lock for everyone who
reaches the same log, through a link or from another host that mounts it. A lock file beside the log would lie among
what git and DVC keep; one in the cache would be another file for each clone, and may be deleted while it is held.
filelock can't lock the log: where a file system has no flock, it falls back to a file that it deletes at the end.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from curation.errors import CurationError
from curation.files.parsed import parse_json
from curation.files.whole_files import is_at

MEND = "Mend the line by hand, or restore the file with git."


class AppendError(CurationError):
    """Lines that could not be written; the log is as it was."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path}: the new lines could not be written ({error.strerror}). Nothing of them was left in the file; "
            "free space or permissions there, then run the same again"
        )


class LineError(CurationError):
    """A line of a log that can't be understood."""

    def __init__(self, path: Path | str, line: int, found: str, fix: str = MEND) -> None:
        super().__init__(f"{path} line {line}: {found}. {fix}")


class OpenLog:
    """A log that this process has locked. `there` are its bytes when it was locked."""

    def __init__(self, path: Path, file: int) -> None:
        self.path, self._file = path, file
        self._size = os.fstat(file).st_size
        self.there = os.pread(file, self._size, 0)

    def add(self, data: bytes) -> None:
        """Write whole lines at the end and sync them. AppendError where that fails; the file has its old size then."""
        if self.there and not self.there.endswith(b"\n"):
            data = b"\n" + data
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            os.fsync(self._file)
            raise AppendError(self.path, error) from None

    def cut(self, size: int) -> None:
        """Take away what follows the first `size` bytes. Only for lines of this process, or of one that was killed."""
        os.ftruncate(self._file, size)
        os.fsync(self._file)
        self._size, self.there = size, self.there[:size]


@contextmanager
def appending(path: Path) -> Iterator[OpenLog]:
    """Lock the log at `path`, which is made where it does not exist, and give it open. Waits for other processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = not path.exists()
    file = _locked(path)
    try:
        yield OpenLog(path, file)
    except BaseException:
        if made and os.fstat(file).st_size == 0 and is_at(file, path):
            path.unlink()
        raise
    finally:
        os.close(file)


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Add whole lines, without their line ends, to the log at `path`: all of them, or none and AppendError."""
    text = "".join(f"{line}\n" for line in lines)
    if text:
        with appending(path) as log:
            log.add(text.encode("utf-8"))


def read_json(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the value of each line of a log of JSON lines, oldest first; nothing where there is no log.

    LineError names the first line that is not UTF-8 or no JSON object, such as the last line of a killed process.
    """
    data = path.read_bytes() if path.exists() else b""
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            value = parse_json(line)
        except ValueError as error:
            raise LineError(path, number, f"a torn or foreign line ({error})") from None
        if not isinstance(value, dict):
            raise LineError(path, number, "a line that is no JSON object")
        yield number, value


def _locked(path: Path) -> int:
    """Open the log for appending (O_APPEND: a write always lands at the end) under an exclusive lock.

    git may put another file at the path while this process waits for the lock; the file at the path counts.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if is_at(file, path):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)
