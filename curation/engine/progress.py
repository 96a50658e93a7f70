"""What a person sees of long work: a bar on a terminal, a plain line every few seconds in a log.

The lines come from a thread, so that the first one is there within five seconds also when one item takes an hour. Bars
are tqdm's.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

LOG_EVERY_SECONDS = 4.0
BAR_EVERY_SECONDS = 1.0
RECENT_SECONDS = 30.0  # the speed is that of so long a time, and of so many items at least
RECENT_ITEMS = 10


def track(items: Iterable[Item], total: int, label: str, unit: str = "img") -> Iterator[Item]:
    """Yield `items` while stderr shows how many of `total` are done, how fast, and how long the rest takes."""
    if sys.stderr.isatty():
        bar = tqdm(items, total=total, desc=label, unit=unit, leave=True)
        with bar, every(BAR_EVERY_SECONDS, bar.refresh):
            yield from bar
        return
    pace = Pace()
    said = False

    def say() -> None:
        nonlocal said
        said = True
        print(f"{label}: {pace.done:,} of {total:,} {unit}, {pace.words(total)}", file=sys.stderr, flush=True)

    with every(LOG_EVERY_SECONDS, say):
        for item in items:
            yield item
            pace.done += 1
    if said:
        say()


@contextmanager
def busy(label: str) -> Iterator[None]:
    """Show on stderr that one long step goes on, and for how long, until the block is left."""
    if sys.stderr.isatty():
        with (
            tqdm(desc=label, bar_format="{desc}: {elapsed}", leave=False) as bar,
            every(BAR_EVERY_SECONDS, bar.refresh),
        ):
            yield
        return
    started = time.monotonic()

    def say() -> None:
        print(f"{label}: {clock(time.monotonic() - started)} so far", file=sys.stderr, flush=True)

    with every(LOG_EVERY_SECONDS, say):
        yield


@contextmanager
def every(seconds: float, call: Callable[[], object]) -> Iterator[None]:
    """Call a function every so many seconds, from a thread, until the block is left."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(seconds):
            call()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Pace:
    """How many items are `done`, and how fast the last of them went: what came from a cache is soon forgotten."""

    def __init__(self) -> None:
        self.done = 0
        self._marks = deque([(time.monotonic(), 0)])

    def rate(self) -> float:
        """Return items a second, over the last half minute or the last ten items, whichever is longer."""
        now, done = time.monotonic(), self.done
        self._marks.append((now, done))
        while len(self._marks) > 2 and self._is_old(*self._marks[1]):
            self._marks.popleft()
        then, before = self._marks[0]
        return (done - before) / max(now - then, 1e-9)

    def left(self, items: float) -> str:
        """Say how long so many more items take; nothing is known before the first one is done."""
        rate = self.rate()
        return f"{clock(items / rate)} left" if rate else "time left not known yet"

    def words(self, total: int) -> str:
        """Say the speed and the time left, e.g. "12.0/s, 1:05 left"."""
        left = self.left(max(total - self.done, 0))
        return f"{self.rate():,.1f}/s, {left}"

    def _is_old(self, then: float, before: int) -> bool:
        return time.monotonic() - then > RECENT_SECONDS and self.done - before >= RECENT_ITEMS


def clock(seconds: float) -> str:
    """Write a time as 0:07, 12:30 or 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
