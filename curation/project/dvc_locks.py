"""The locks of DVC: what `dvc repro` is using, and how a command of ours keeps DVC away from what it changes.

DVC has two files in .dvc/tmp. `lock` is held while DVC looks at the project: between stages, in `dvc add` and `dvc
push`. `rwlock` lists the paths that each running command reads and writes: while a stage runs, its deps and outs. DVC
takes the hash of a dep after the stage, so a file that changes meanwhile would count as seen although it was not. So
a command that changes a dep takes its place in that list: it does not start while DVC uses the path, and DVC, whose
message then names it, does not start with the path before it ends. An entry of a dead process is removed by DVC itself.
"""

import contextlib
import fcntl
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from curation.errors import CurationError
from curation.project.locks import EVERY, Holder, LockedError, Tries, command_line

MOMENTS = 5.0  # seconds that DVC may look at the project, as `dvc status` does, before it counts as a running command
READS = 5  # of the list: DVC writes it in place, so it may be half-written for a moment
BLOCKER = re.compile(r"\(PID (\d+)\): (.*)")


class DvcLockError(CurationError):
    """The list of DVC can't be read, or it could not be written."""


@contextmanager
def keep_dvc_away(root: Path, paths: Sequence[Path]) -> Iterator[None]:
    """Keep DVC from reading and writing these paths in the block. LockedError while a DVC command runs.

    It also waits for a DVC command that uses other paths, because that one may come to these. Nothing is done where the
    project has no DVC, or DVC is not installed.
    """
    folder = root / ".dvc" / "tmp"
    if not paths or not folder.parent.is_dir():
        yield
        return
    with contextlib.ExitStack() as entries:
        _enter(entries, folder, paths)
        yield
        _looking(folder)  # a DVC that read the project meanwhile now meets our entry, and does not go on with it


def running(root: Path) -> Holder | None:
    """Return the DVC command that runs stages of the project now, or adds files to it; None when there is none."""
    return _listed(root / ".dvc" / "tmp")


def _enter(entries: contextlib.ExitStack, folder: Path, paths: Sequence[Path]) -> None:
    """Add the entry to the list of DVC when no DVC command runs; else wait as long as the patience is."""
    try:
        from dvc.exceptions import DvcException
        from dvc.fs import localfs
        from dvc.lock import LockError
        from dvc.rwlock import rwlock
    except ImportError:
        return
    folder.mkdir(exist_ok=True)
    tries = Tries()
    for _ in tries:
        found = _busy(folder)
        if found:
            tries.blocked = f"{found} runs in this project"
            continue
        listed = rwlock(str(folder), localfs, command_line(sys.argv), [], [*map(str, paths)], False)
        try:
            entries.enter_context(listed)
        except LockError as error:  # it began in this moment
            said = BLOCKER.search(str(error))
            who = _named(int(said[1]), said[2]) if said else "a DVC command"
            tries.blocked = f"{who} runs in this project"
        except DvcException as error:
            raise DvcLockError(f"{str(error).splitlines()[0]} `curate doctor` says what to do") from None
        else:
            return
    raise LockedError(tries.blocked)


def _busy(folder: Path) -> Holder | None:
    """Return the DVC command that runs; None when there is none.

    Between two stages DVC holds its lock and its list is empty; in a stage it is the other way round.
    """
    return _looking(folder) or _listed(folder) or _looking(folder)


def _looking(folder: Path) -> Holder | None:
    """Return the DVC command that holds DVC's lock for more than moments; None when there is none."""
    until = time.monotonic() + MOMENTS
    while pid := _lock_holder(folder / "lock"):
        if time.monotonic() > until:
            return _named(pid, "")
        time.sleep(EVERY)
    return None


def _listed(folder: Path) -> Holder | None:
    """Return a living process that the list of DVC names; None when there is none."""
    for _ in range(READS):
        try:
            listed = json.loads((folder / "rwlock").read_text(encoding="utf-8"))
            rows = [*listed.get("write", {}).values(), *itertools.chain(*listed.get("read", {}).values())]
            pids = {int(row["pid"]): str(row["cmd"]) for row in rows}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            time.sleep(EVERY / READS)
            continue
        alive = [pid for pid in sorted(pids) if pid != os.getpid() and _alive(pid)]
        return _named(alive[0], pids[alive[0]]) if alive else None
    return None  # damaged: DVC itself says so


def _lock_holder(path: Path) -> int:
    """Return the process that holds the lock of DVC, 0 when it is free."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return 0
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        words = os.read(file, 40).split()
        return int(words[0]) if words and words[0].isdigit() else 1
    except OSError:
        return 0
    else:
        return 0
    finally:
        os.close(file)


def _named(pid: int, command: str) -> Holder:
    """Name a process of DVC by what the system says of it."""
    words: list[str] = []
    started = datetime.now().astimezone()
    with contextlib.suppress(OSError):
        process = Path("/proc") / str(pid)
        words = [os.fsdecode(word) for word in (process / "cmdline").read_bytes().split(b"\0") if word]
        started = datetime.fromtimestamp(process.stat().st_mtime).astimezone()
    while words and (Path(words[0]).name.startswith("python") or words[0] == "-m"):
        words = words[1:]
    told = command_line(words or command.split() or ["dvc"])
    return Holder(told, pid, f"{started:%Y-%m-%d %H:%M:%S}")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
