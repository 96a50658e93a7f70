"""Progress of training for a person: images per second, time left, memory.

On a terminal it is a bar (tqdm). In a log it is a plain line every few seconds, and one for each epoch. Speeds are
written nowhere else, because the outputs of a stage do not depend on the clock.
"""

import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass

from tqdm import tqdm

from curation.engine.progress import BAR_EVERY_SECONDS, LOG_EVERY_SECONDS, clock, every
from curation.model.device import Device


@dataclass(frozen=True)
class Plan:
    """What a run does: the images it trains on and measures in each epoch, and the epochs, the first `frozen`."""

    images: int
    measured: int
    epochs: int
    frozen: int


class TimeLeft:
    """How long a run still takes, from the speed of its present phase; `now` is in seconds of a monotonic clock.

    A frozen epoch, which trains the head alone, is several times faster than one that trains every layer. So an epoch
    counts for its own phase only, and while the backbone is frozen the estimate ends with the phase. A run that stops
    early, by `train.patience`, takes less.
    """

    def __init__(self, plan: Plan, now: float) -> None:
        self._plan, self._last = plan, now
        self.epoch = self.done = 0
        self._images = self._seconds = 0.0
        self._after: float | None = None

    @property
    def end(self) -> int:
        """The epoch with which the present phase ends, or the run."""
        frozen = min(self._plan.frozen, self._plan.epochs)
        return frozen if self.epoch < frozen else self._plan.epochs

    @property
    def rate(self) -> float:
        """Images trained on in a second of this phase, 0 before the first; epochs long ago count for less."""
        return self._images / max(self._seconds, 1e-9)

    def start(self, epoch: int, now: float) -> None:
        """An epoch begins (0 is the first)."""
        kept = 0.5 if epoch < self.end else 0.0
        self._images, self._seconds = self._images * kept, self._seconds * kept
        self.epoch, self.done, self._last = epoch, 0, now

    def add(self, images: int, now: float) -> None:
        """Some images were trained on."""
        self.done += images
        self._images += images
        self._seconds += now - self._last
        self._last = now

    def finish(self, now: float) -> None:
        """The epoch is measured and saved, which takes as long when the backbone is frozen."""
        self._after = now - self._last

    def seconds(self, now: float) -> float | None:
        """How long it is to the end of the phase; None before the first images of it.

        Before the first epoch was measured, an image is taken to need as long there as in training.
        """
        if not self._images:
            return None
        after = self._plan.measured / self.rate if self._after is None else self._after
        epochs = self.end - self.epoch
        whole = (self._plan.images * epochs - self.done) / self.rate + after * epochs
        return max(whole - (now - self._last), 0.0)

    def words(self, now: float) -> str:
        """Say it, e.g. "1:05 left"."""
        seconds = self.seconds(now)
        if seconds is None:
            return "time left not known yet"
        if self.end < self._plan.epochs:
            return f"{clock(seconds)} left until epoch {self.end + 1}, the first to train every layer"
        return f"{clock(seconds)} left"


class Meter:
    """Shows how far a training run is. Use it as a context: while it is open, a thread says so every few seconds."""

    def __init__(self, plan: Plan, device: Device, *, quiet: bool = False) -> None:
        self._plan, self._device = plan, device
        self._quiet = quiet or not device.is_main
        self._left = TimeLeft(plan, time.monotonic())
        self._measuring: float | None = None
        self._bar: tqdm[None] | None = None
        self._lock = threading.Lock()  # the thread and the training may write at the same time
        self._open = ExitStack()

    def __enter__(self) -> "Meter":
        if not self._quiet:
            seconds = BAR_EVERY_SECONDS if sys.stderr.isatty() else LOG_EVERY_SECONDS
            self._open.enter_context(every(seconds, self._tell))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._close_bar()

    def start(self, epoch: int) -> None:
        """An epoch begins (0 is the first)."""
        with self._lock:
            self._left.start(epoch, time.monotonic())
            self._measuring = None
            if sys.stderr.isatty() and not self._quiet:
                self._bar = tqdm(total=self._plan.images, desc=self._name(), unit="img", leave=False)

    def add(self, images: int) -> None:
        """Some images were trained on."""
        with self._lock:
            self._left.add(images, time.monotonic())
            if self._bar is not None:
                self._bar.update(images)

    def measure(self) -> None:
        """The epoch has trained on all its images, and is measured on val."""
        with self._lock:
            self._measuring = time.monotonic()

    def end(self, facts: str) -> None:
        """An epoch is over."""
        with self._lock:
            self._left.finish(time.monotonic())
            self._close_bar()
            self._say(f"{facts}, {self._speed()}")

    def _tell(self) -> None:
        """Show how far the epoch is, also while one batch takes minutes."""
        with self._lock:
            if self._bar is not None:
                self._bar.set_postfix_str(self._speed(), refresh=True)
            elif not sys.stderr.isatty():
                self._say(f"{self._left.done:,}/{self._plan.images:,} images, {self._speed()}")

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _name(self) -> str:
        return f"epoch {self._left.epoch + 1}/{self._plan.epochs}"

    def _say(self, text: str) -> None:
        if not self._quiet:
            print(f"{self._name()}: {text}", file=sys.stderr, flush=True)

    def _speed(self) -> str:
        now = time.monotonic()
        val = f"val for {clock(now - self._measuring)}, " if self._measuring is not None else ""
        rate = self._left.rate
        speed = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
        return f"{val}{speed} img/s, {self._left.words(now)}, {self._device.memory():.1f} GiB"
