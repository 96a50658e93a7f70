"""Progress of training for a person: images per second, time left, memory.

On a terminal it is a bar (tqdm). In a log it is a plain line every few seconds, and one for each epoch. Speeds are
written nowhere else, because the outputs of a stage do not depend on the clock.
"""

import sys
import time

from tqdm import tqdm

from curation.engine.progress import LOG_EVERY_SECONDS
from curation.model.device import Device


class Meter:
    """Counts images over a whole training run."""

    def __init__(self, images_per_epoch: int, epochs: int, device: Device, *, quiet: bool = False) -> None:
        self._per_epoch, self._epochs, self._device = images_per_epoch, epochs, device
        self._quiet = quiet or not device.is_main
        self._terminal = sys.stderr.isatty()
        self._bar: tqdm[None] | None = None
        self._begun = self._said = self._epoch_begun = time.monotonic()
        self._seen = self._in_epoch = self._epoch = 0

    def start(self, epoch: int) -> None:
        """An epoch begins (0 is the first)."""
        self._epoch, self._in_epoch, self._epoch_begun = epoch, 0, time.monotonic()
        if self._terminal and not self._quiet:
            self._bar = tqdm(total=self._per_epoch, desc=f"epoch {epoch + 1}/{self._epochs}", unit="img", leave=False)

    def add(self, images: int) -> None:
        """Some images are done."""
        self._in_epoch += images
        self._seen += images
        if self._bar is not None:
            self._bar.update(images)
            self._bar.set_postfix_str(f"{self._left()} left, {self._device.memory():.1f} GiB", refresh=False)
        elif not self._quiet and time.monotonic() - self._said > LOG_EVERY_SECONDS:
            self._say(f"{self._in_epoch:,}/{self._per_epoch:,} images, {self._speed()}")

    def end(self, facts: str) -> None:
        """An epoch is over."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._say(f"{facts}, {self._speed()}")

    def close(self) -> None:
        """Close the bar, at the end of training or after an error."""
        if self._bar is not None:
            self._bar.close()

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        if not self._quiet:
            print(f"epoch {self._epoch + 1}/{self._epochs}: {text}", file=sys.stderr, flush=True)

    def _speed(self) -> str:
        rate = self._in_epoch / max(time.monotonic() - self._epoch_begun, 1e-9)
        return f"{rate:,.0f} img/s, {self._left()} left, {self._device.memory():.1f} GiB"

    def _left(self) -> str:
        ahead = self._per_epoch * (self._epochs - self._epoch) - self._in_epoch
        seconds = round(ahead * (time.monotonic() - self._begun) / max(self._seen, 1))
        return (
            f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
            if seconds >= 3600
            else f"{seconds // 60}:{seconds % 60:02}"
        )
