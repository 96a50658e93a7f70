"""One map function for every room, and the progress that long work shows.

`run` keeps the order of its input whatever the number of workers, so results never depend on it. Worker functions
live in importable modules. A bar is drawn on a terminal; in a log, a plain line every few seconds.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")

LOG_EVERY_SECONDS = 5.0
CHUNKS_AHEAD = 4


def count(wanted: int) -> int:
    """Number of worker processes: `wanted`, or one for each core this process may use when it is 0."""
    return wanted or len(os.sched_getaffinity(0))


def run(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int = 0, chunk: int = 64
) -> Iterator[Result]:
    """Yield function(item) for every item, in order, from `workers` processes (0: one a core; 1: in this process)."""
    if count(workers) == 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(count(workers), mp_context=context) as pool:
        pending: list[Future[list[Result]]] = []
        for part in chunks(items, chunk):
            pending.append(pool.submit(_apply, function, part))
            if len(pending) > CHUNKS_AHEAD * count(workers):
                yield from pending.pop(0).result()
        for future in pending:
            yield from future.result()


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut an iterable into lists of `size` items; the last may be shorter."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part


def track(items: Iterable[Item], total: int, label: str, unit: str = "img") -> Iterator[Item]:
    """Pass items through while showing progress on stderr: a bar on a terminal, a line every few seconds in a log."""
    terminal = sys.stderr.isatty()
    form = None if terminal else "{desc}: {n_fmt}/{total_fmt} {rate_fmt}, {remaining} left\n"
    every = 0.1 if terminal else LOG_EVERY_SECONDS
    bar = tqdm(items, total=total, desc=label, unit=unit, mininterval=every, bar_format=form, leave=terminal)
    yield from bar


def _apply(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(item) for item in items]
