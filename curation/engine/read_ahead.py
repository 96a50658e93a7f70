"""A thread that takes the next items of an iterator while the caller works on the last ones.

It is the prefetching of data loaders (as `prefetch` of tf.data): reading and computing overlap, and no more than a few
items wait in memory.
"""

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")

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
