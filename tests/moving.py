"""Commands that may take as long as they need: what ends one is that it no longer moves.

On a busy machine a limit of wall-clock time ends runs that are only slow. Here a run is ended when for some minutes it
printed nothing and none of its processes used the processor. Work in the background, such as the queue of DVC, is
waited for in the same way.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STILL_SECONDS = 300.0
LOOK_SECONDS = 0.5


class StuckError(AssertionError):
    """A command that neither printed anything nor used the processor."""


def run_while_it_moves(
    command: Sequence[str | Path],
    folder: Path,
    env: Mapping[str, str],
    stderr: int = subprocess.STDOUT,
    still: float = STILL_SECONDS,
) -> tuple[int, str]:
    """Run a command to its end; gives its exit code and what it printed. StuckError when it stands still."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out:
        ways = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": stderr, "start_new_session": True}
        with subprocess.Popen(command, cwd=folder, env=env, **ways) as run:
            try:
                ended = _wait(run, out.fileno(), still)
            finally:
                if run.poll() is None:
                    os.killpg(run.pid, signal.SIGKILL)
        out.seek(0)
        said = out.read()
    if not ended:
        raise StuckError(f"{command[0]} did not move for {still:.0f} s and was ended; it said:\n{said[-6000:]}")
    return run.returncode, said


def _wait(run: subprocess.Popen[bytes], out: int, still: float) -> bool:
    """Wait until a process ends, or until it stands still: then False."""
    last, since = (-1, -1), time.monotonic()
    while True:
        try:
            run.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            now = (os.fstat(out).st_size, ticks(run.pid))
        else:
            return True
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > still:
            return False


def wait_while_it_moves(
    state: Callable[[], str], ended: Callable[[str], bool], folder: Path, still: float = STILL_SECONDS
) -> str:
    """Ask for a state until it has ended, and give it.

    StuckError when for `still` seconds the state stays and no process works in a folder below `folder`.
    """
    last, since = ("", -1), time.monotonic()
    while not ended(said := state()):
        now = (said, ticks_below(folder))
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > still:
            raise StuckError(f"nothing moved below {folder} for {still:.0f} s; the state is:\n{said[-6000:]}")
        time.sleep(LOOK_SECONDS)
    return said


def ticks_below(folder: Path) -> int:
    """Processor time, in clock ticks, of the processes whose working folder lies below this folder."""
    used = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if folder in (process / "cwd").readlink().parents:
                used += sum(map(int, _fields(process / "stat")[11:15]))
        except OSError:
            continue  # it has just ended, or belongs to somebody else
    return used


def _fields(stat: Path) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold spaces."""
    return stat.read_text().rpartition(")")[2].split()


def ticks(root: int) -> int:
    """Processor time of a process and of all that descend from it, dead children included, in clock ticks."""
    parents, used = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = _fields(path)
        except OSError:
            continue  # it has just ended
        number = int(path.parent.name)
        parents[number], used[number] = int(fields[1]), sum(map(int, fields[11:15]))
    family = {root}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(used.get(number, 0) for number in family)
