"""Locks of files: one command at a time, and who holds the lock.

The lock is flock on a file that is never deleted, so the system releases it when the process ends, also after a kill.
The holder writes its command line, process id and start into the file, so that another command can name it. What is
written there is only a word for people: a dead holder never blocks. Where a file system has no locks, nobody is held
up, as in `curation.files`.

A command that meets a held lock ends with LockedError. Inside `patience` it waits first, and after a while it says for
whom. A worker process that is forked shares the locks of its parent, and would hold them when the parent is killed, so
it closes them.
"""

import contextlib
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from curation.errors import CurationError, printable
from curation.files.whole_files import is_at, locked

EVERY = 0.1  # seconds between two tries
SILENT = 2.0  # seconds of waiting before a command says for whom it waits
LONGEST = 120  # letters of a command line that are kept
_patience: ContextVar[float] = ContextVar("patience", default=0.0)
_held: set[int] = set()  # open files with a lock of this process


class LockedError(CurationError):
    """Another command holds the project. `what` says which, and what it holds."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}. Wait until it ends and run the same command again, or give it --wait")


@dataclass(frozen=True)
class Holder:
    """A command that holds a lock: its command line, its process, and when it took the lock (local time)."""

    command: str
    pid: int
    since: str

    def __str__(self) -> str:
        """Name it in a sentence."""
        return f"`{printable(self.command)}` (process {self.pid}, since {self.since})"

    @classmethod
    def me(cls) -> "Holder":
        """This process."""
        return cls(command_line(sys.argv), os.getpid(), f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}")


def command_line(words: list[str]) -> str:
    """Return a command line as a person typed it: the program without its folder, and no more than fits a line."""
    text = " ".join([Path(words[0]).name, *words[1:]]) if words else "python"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Let every command in the block wait so long for a lock that another holds; `math.inf` waits for ever."""
    before = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(before)


class Tries:
    """Try once, and then again and again until the patience is over: `for _ in tries`.

    The block sets `blocked` to what is in its way, and returns when nothing is.
    """

    def __init__(self, blocked: str = "") -> None:
        self.blocked = blocked

    def __iter__(self) -> Iterator[None]:
        """Yield once for each try. After a while a line on stderr says what is in the way."""
        start, silent = time.monotonic(), True
        yield
        while time.monotonic() < start + _patience.get():
            if silent and time.monotonic() > start + SILENT:
                print(printable(f"waiting: {self.blocked}"), file=sys.stderr, flush=True)
                silent = False
            time.sleep(EVERY)
            yield


@contextmanager
def hold(path: Path, *, wait: bool = True, what: str = "") -> Iterator[None]:
    """Hold the lock of the file `path`.

    wait: wait until it is free, which is for work that takes moments. Without it LockedError is raised when the
    patience is over. `what` says in the message what the other one holds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _acquire(path, what or str(path), wait=wait)
    _held.add(file)
    try:
        _write(file, Holder.me())
        yield
    finally:
        _held.discard(file)
        os.close(file)


def holder(path: Path) -> Holder | None:
    """Return what the file of a lock says of the last that held it; None where it says nothing."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return Holder(str(facts["command"]), int(facts["pid"]), str(facts["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _acquire(path: Path, what: str, *, wait: bool) -> int:
    tries = Tries()
    with patience(math.inf) if wait else contextlib.nullcontext():
        for _ in tries:
            file = _open_locked(path)
            if file is not None:
                return file
            tries.blocked = f"{holder(path) or 'another command'} holds {what}"
    raise LockedError(tries.blocked)


def _open_locked(path: Path) -> int | None:
    """Open the file with its lock; None while another process has the lock."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        free = locked(file)
        if free and is_at(file, path):  # else the caches were deleted meanwhile
            return file
        os.close(file)
        if not free:
            return None


def _write(file: int, who: Holder) -> None:
    with contextlib.suppress(OSError):  # a full disk must not stop a command from taking its lock
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(asdict(who), ensure_ascii=True).encode(), 0)


def _release_in_child() -> None:
    while _held:
        with contextlib.suppress(OSError):
            os.close(_held.pop())


os.register_at_fork(after_in_child=_release_in_child)
