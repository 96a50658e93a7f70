"""How worker processes are counted, started and told to leave Ctrl-C to their parent.

They start clean, by `forkserver` (or `spawn` where there is none): a forked copy of a process that has threads, as
torch and numba do, may hang (Python's own documentation of `multiprocessing` says why).
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Any

from curation.errors import CurationError


class WorkerError(CurationError):
    """A worker process died while it did work that should not end it."""


def count(wanted: int) -> int:
    """Return the number of worker processes: `wanted`, or one for each core this process may use when it is 0."""
    if wanted:
        return wanted
    if hasattr(os, "sched_getaffinity"):  # neither on macOS nor on Windows
        return len(os.sched_getaffinity(0))
    return getattr(os, "process_cpu_count", os.cpu_count)() or 1  # the former since Python 3.13


def context(function: Callable[..., Any]) -> ForkServerContext | SpawnContext:
    """Return a context whose processes start without this one's threads, locks and memory.

    The module of `function` is loaded before the first of them starts, so that the others need not load it again.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    clean = multiprocessing.get_context("forkserver")
    clean.set_forkserver_preload(["__main__", function.__module__])
    return clean


def leave_interrupts_to_parent() -> None:
    """Ignore Ctrl-C in a worker: the terminal sends it to every process, and the parent ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def end_with_parent() -> None:
    """End this worker when its parent is killed; it would wait for work for ever, as its siblings hold its pipe."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
