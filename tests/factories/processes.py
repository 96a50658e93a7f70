"""Programs that a test ends from outside, and what they leave running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 20.0


def living(session: int) -> list[int]:
    """The processes of a session that still run; a dead one that nobody waited for does not count."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(place.name))
    return found


def left_after(code: str, end: signal.Signals, first: str) -> list[int]:
    """Run Python code until it prints its first line, end it by Ctrl-C or a kill, and give what still runs then."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True, **pipes) as process:
        said = process.stdout.readline()
        assert said == f"{first}\n", process.stderr.read()
        time.sleep(0.3)
        assert len(living(process.pid)) > 1, "it has no workers"
        if end == signal.SIGINT:
            os.killpg(process.pid, end)  # as a terminal does
        else:
            process.kill()
        process.communicate(timeout=60)
        until = time.monotonic() + SECONDS
        while living(process.pid) and time.monotonic() < until:
            time.sleep(0.05)
        return living(process.pid)
