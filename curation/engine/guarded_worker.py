"""The worker's side of `curation.engine.guard`: answer what comes through the pipe, within bounds.

The kernel bounds its address space (on Linux). An alarm ends the worker when an item takes too long and the parent is
gone.
"""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from curation.engine.processes import leave_interrupts_to_parent

ANSWER_SECONDS = 0.1  # a worker gathers its answers for so long: a message costs both sides more than an answer does


def serve(pipe: Connection, function: Callable[[Any], Any], patience: float, memory: int, begun: Any) -> None:
    """Answer batches of items, several answers a message, until the pipe closes or memory runs out.

    patience: seconds for one item; memory: megabytes beyond the start's; begun: a shared counter of the items begun.
    """
    leave_interrupts_to_parent()
    _silence()
    _bound_memory(memory)
    gc.freeze()  # what the libraries brought stays: looking through it again and again costs a twentieth of the time
    pipe.send(("ready", None))
    sent = 0.0
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            answers: list[Any] = []
            for item in pipe.recv():
                begun.value += 1
                signal.setitimer(signal.ITIMER_REAL, patience)  # kills, as nothing handles it
                kind, answer = _answer(function, item)
                signal.setitimer(signal.ITIMER_REAL, 0)
                if kind != "done":
                    pipe.send(("done", answers))
                    pipe.send((kind, answer))
                    return
                answers.append(answer)
                if time.monotonic() - sent > ANSWER_SECONDS:
                    pipe.send(("done", answers))
                    sent, answers = time.monotonic(), []
            pipe.send(("done", answers))


def _answer(function: Callable[[Any], Any], item: Any) -> tuple[str, Any]:
    try:
        return "done", function(item)
    except MemoryError:
        return "memory", None
    except Exception as error:  # noqa: BLE001 - it is raised again in the parent
        return "raised", error


def _silence() -> None:
    """Send stderr nowhere: C libraries write to it about each damaged file, and what matters comes back as a reason."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _bound_memory(megabytes: int) -> None:
    """Let the kernel refuse memory beyond what the process has now and `megabytes` more."""
    if not sys.platform.startswith("linux"):
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + megabytes * 2**20
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
