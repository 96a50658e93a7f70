"""Commands that may take as long as they need: what ends one is that it no longer moves.

On a busy machine a limit of wall-clock time ends runs that are only slow. Here a run is ended when for some minutes it
printed nothing and none of its processes used the processor.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
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


def ticks(root: int) -> int:
    """Processor time of a process and of all that descend from it, dead children included, in clock ticks."""
    parents, used = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        number = int(path.parent.name)
        parents[number], used[number] = int(fields[1]), sum(map(int, fields[11:15]))
    family = {root}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(used.get(number, 0) for number in family)
