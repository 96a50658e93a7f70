"""One image of any origin, read once: its bytes hashed, its pixels made ready for the model, its quality measured.

Files may lie on this machine or behind any fsspec URL (s3://, gs://, https://, memory://, ...). A file that can't be
read is a row with a reason, never an exception. `decode` runs in worker processes.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from curation.images.image_measures import Settings

if TYPE_CHECKING:
    from curation.images.opening import Opened
    from curation.images.store.model_input import ModelInput


@dataclass(frozen=True, slots=True)
class Item:
    """An image to be scored: where it is, what tells a changed file from an unchanged one, and its id if known."""

    path: str
    stamp: str = ""
    image_id: str = ""
    turn: int = 0  # degrees clockwise that make it upright

    @property
    def shown(self) -> str:
        """Its path as a table can hold it: bytes that are no text are written as escapes."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")

    @property
    def key(self) -> bytes:
        """16 bytes that stand for path and stamp: a million of them are kept in memory."""
        return key(self.shown, self.stamp)


class Measured(NamedTuple):
    """Quality and perceptual hash, as in IMAGES; NaN and empty where ingest has measured them already."""

    blur: float = np.nan
    brightness: float = np.nan
    contrast: float = np.nan
    hash: bytes = b""


@dataclass(frozen=True)
class Decoded:
    """An item with pixels uint8 [size, size, 3], or with the `error` why there are none."""

    item: Item
    image_id: str
    pixels: npt.NDArray[np.uint8] | None
    measured: Measured
    error: str
    passing: bool = False  # the error may be gone at the next try: the network, a lock, a slow disk


@dataclass(frozen=True)
class Decoder:
    """Reads items as a model sees them. A callable object, so that worker processes can be handed it.

    Every file is read once. Pixels, hash and quality are made from one decoding of it, or from two where the model
    wants a smaller scale than the hash.
    """

    input: "ModelInput"
    settings: Settings
    root: Path = Path()  # where relative paths start

    def __call__(self, item: Item) -> Decoded:
        """Read one item; whatever is wrong with it becomes its `error`."""
        from curation.images.opening import UnreadableImage

        try:
            data = fetch(item.path, self.root)
        except UnreadableImage as error:  # the system refused
            return failed(item, error.reason, passing=True)
        except (OSError, ValueError, ImportError) as error:  # what fsspec's file systems raise
            return failed(item, error, passing=True)
        image_id = item.image_id or hashlib.md5(data, usedforsecurity=False).hexdigest()
        try:
            opened = self.input.open(data, item.path, self.settings.max_megapixels)
            measured = Measured() if item.image_id else self._measured(data, opened, item)
        except UnreadableImage as error:
            return Decoded(item, image_id, None, Measured(), one_line(error.reason))
        return Decoded(item, image_id, self.input.pixels(opened.image, item.turn), measured, "")

    def _measured(self, data: bytes, opened: "Opened", item: Item) -> Measured:
        """Measure what ingest has not: quality, and the perceptual hash that finds twins of known images."""
        from curation.images.image_measures import measure_opened
        from curation.images.opening import decode

        settings, image = self.settings, opened.image
        reduced = max(image.size) < max(opened.width, opened.height)
        if (reduced and min(image.size) < settings.reduce_to) or settings.background != self.input.background:
            largest = max(self.input.size, settings.reduce_to)
            opened = decode(data, item.path, largest, settings.background, settings.max_megapixels)
        found = measure_opened(opened, settings)
        return Measured(found.blur, found.brightness, found.contrast, found.hash)


def fetch(path: str, root: Path = Path()) -> bytes:
    """Read a file whole, from this machine or through fsspec; a relative path starts at `root`."""
    if is_remote(path):
        import fsspec  # type: ignore[import-untyped]

        with fsspec.open(path, "rb") as source:
            data: bytes = source.read()
            return data
    from curation.images.opening import read_bytes

    return read_bytes(root / path)


def is_remote(path: str) -> bool:
    """Tell a URL that fsspec opens from a path of this machine."""
    return "://" in path


def content_id(path: Path) -> str:
    """Return the MD5 of the file's bytes, in hex: the key of every table."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def one_line(error: object) -> str:
    """Give an error's message on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def key(path: str, stamp: str) -> bytes:
    """Make the key of a version of a file."""
    return hashlib.blake2b(f"{path}\t{stamp}".encode(), digest_size=16).digest()


def failed(item: Item, error: object, *, passing: bool = False) -> Decoded:
    """What stands for an image that could not be read."""
    return Decoded(item, item.image_id or _nameless(item), None, Measured(), one_line(error), passing)


def _nameless(item: Item) -> str:
    """Make an id for a file whose bytes can't be had, so that it still has a row of its own."""
    return hashlib.md5(os.fsencode(item.path), usedforsecurity=False).hexdigest()
