"""One map function for every room, and the progress that long work shows.

`run` keeps the order of its input whatever the number of workers, so results never depend on it. Worker functions
live in importable modules. A bar is drawn on a terminal; in a log, a plain line every few seconds.
Files from anywhere, whose decoder may hang or crash, go through `curation.engine.guard.run_guarded` instead.
"""

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Any, TypeVar

from tqdm import tqdm

from curation.errors import CurationError

Item = TypeVar("Item")
Result = TypeVar("Result")

LOG_EVERY_SECONDS = 5.0
CHUNKS_AHEAD = 4
GRACE_SECONDS = 5.0


class WorkerError(CurationError):
    """A worker process that died under work that should not kill it."""


def count(wanted: int) -> int:
    """Number of worker processes: `wanted`, or one for each core this process may use when it is 0."""
    if wanted:
        return wanted
    if hasattr(os, "sched_getaffinity"):  # neither on macOS nor on Windows
        return len(os.sched_getaffinity(0))
    return getattr(os, "process_cpu_count", os.cpu_count)() or 1  # the former since Python 3.13


def run(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int = 0, chunk: int = 64
) -> Iterator[Result]:
    """Yield function(item) for every item, in order, from `workers` processes (0: one a core; 1: in this process).

    Exceptions of `function` are raised here; WorkerError if a process dies. No process outlives the iterator.
    """
    if count(workers) == 1:
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(count(workers), mp_context=context(function), initializer=leave_interrupts_to_parent)
    try:
        pending: deque[Future[list[Result]]] = deque()
        for part in chunks(items, chunk):
            pending.append(pool.submit(_apply, function, part))
            if len(pending) > CHUNKS_AHEAD * count(workers):
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    except BrokenProcessPool:
        raise WorkerError(
            "a worker process died: memory ran out, or a library crashed. Run it with fewer workers (`workers: 1`)"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut an iterable into lists of `size` items; the last may be shorter."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part


def ahead(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """Pass items through, in order, while a thread already takes the next ones: `depth` of them at most.

    What `items` raises is raised here. When this iterator is closed, so is `items`, in the thread.
    """
    ready: queue.SimpleQueue[tuple[Item | None, BaseException | None]] = queue.SimpleQueue()
    room, closed = threading.Semaphore(depth), threading.Event()
    thread = threading.Thread(target=_take, args=(items, ready, room, closed), daemon=True)
    thread.start()
    try:
        while True:
            item, ending = ready.get()
            if isinstance(ending, StopIteration):
                return
            if ending:
                raise ending
            room.release()
            yield item  # type: ignore[misc]
    finally:
        closed.set()
        room.release()
        thread.join(GRACE_SECONDS)


def track(items: Iterable[Item], total: int, label: str, unit: str = "img") -> Iterator[Item]:
    """Pass items through while showing progress on stderr: a bar on a terminal, a line every few seconds in a log."""
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=label, unit=unit, leave=True)
        return
    started = shown = time.monotonic()
    for number, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - shown > LOG_EVERY_SECONDS:
            shown = now
            rate = number / (now - started)
            left = f"{max(total - number, 0) / rate:.0f} s left"
            print(f"{label}: {number:,} of {total:,} {unit}, {rate:,.1f}/s, {left}", file=sys.stderr, flush=True)


def context(function: Callable[..., Any]) -> ForkServerContext | SpawnContext:
    """Make processes that start clean (no threads, locks or memory of this one), with `function`'s module loaded."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    clean = multiprocessing.get_context("forkserver")
    clean.set_forkserver_preload(["__main__", function.__module__])
    return clean


def leave_interrupts_to_parent() -> None:
    """Ignore Ctrl-C in a worker: the terminal sends it to all, and the parent ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _apply(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(item) for item in items]


def _take(
    items: Iterable[Item],
    ready: "queue.SimpleQueue[tuple[Item | None, BaseException | None]]",
    room: threading.Semaphore,
    closed: threading.Event,
) -> None:
    """Put items into a queue while there is room, then what ended them."""
    source = iter(items)
    ending: BaseException = StopIteration()
    try:
        while room.acquire() and not closed.is_set():
            ready.put((next(source), None))
    except BaseException as error:  # noqa: BLE001 - it is raised again by whom it concerns
        ending = error
    if hasattr(source, "close"):
        source.close()
    ready.put((None, ending))
