"""Apply a function to many items, in this process or in several.

Results come in the order of the items, whatever the number of workers, so what is made of them never depends on it. A
worker function lives in a module that can be imported, and takes and returns what can be pickled. Work that may hang or
crash its process, such as decoding a file from anywhere, goes through `curation.engine.guard` instead.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from curation.engine.processes import WorkerError, context, count, end_with_parent, leave_interrupts_to_parent

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNKS_AHEAD = 4  # for each worker: enough to keep it busy, few enough to keep memory flat


def run(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int = 0, chunk: int = 64
) -> Iterator[Result]:
    """Yield function(item) for every item, in order, from `workers` processes (0: one a core; 1: in this process).

    Items are taken as they are needed, `chunk` of them at a time. Exceptions of `function` are raised here, and
    WorkerError if a process dies. No process outlives the iterator.

        list(run(abs, [-2, 1], workers=2))  # [2, 1]
    """
    if count(workers) == 1:
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(count(workers), mp_context=context(function), initializer=_begin)
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


def _begin() -> None:
    leave_interrupts_to_parent()
    end_with_parent()


def _apply(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(item) for item in items]
