"""Threads that take the next items of an iterator while the caller works on the last ones.

It is the prefetching of data loaders (as `prefetch` of tf.data): reading and computing overlap, and no more than a few
items wait in memory.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

GRACE_SECONDS = 5.0


def ahead(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """Yield `items` in order, while a thread already takes the next ones: at most `depth` of them.

    What `items` raises is raised here. When this iterator is closed, the thread closes `items`.
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


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Generator[Result, None, None]:
    """Yield function(item) in the order of the items, while `threads` threads already work on the next ones.

    It helps where the function lets other threads run, as decoders of images do. What it raises is raised here.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ahead")
    pending: deque[Future[Result]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


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
    except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
        ending = error
    if hasattr(source, "close"):
        source.close()
    ready.put((None, ending))
