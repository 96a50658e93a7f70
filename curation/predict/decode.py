"""Read one image file of any origin once: hash its bytes, make the pixels for the model, and measure its quality.

A file may lie on this machine or behind any fsspec URL (s3://, gs://, https://, memory://, ...). A file that can't be
read becomes a row with an error, never an exception. Decoding runs in worker processes.
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
    """An image to be scored: its path, a stamp that changes when the file changes, and its id if it is known."""

    path: str
    stamp: str = ""
    image_id: str = ""
    turn: int = 0  # degrees clockwise that make it upright

    @property
    def shown(self) -> str:
        """The path as a table can hold it: bytes that are not text are written as escapes."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")

    @property
    def key(self) -> bytes:
        """Return 16 bytes that identify path and stamp. They are short because a million of them are kept in memory."""
        return key(self.shown, self.stamp)


class Measured(NamedTuple):
    """Quality and perceptual hash as in IMAGES; NaN and empty when ingest has measured them already."""

    blur: float = np.nan
    brightness: float = np.nan
    contrast: float = np.nan
    hash: bytes = b""


@dataclass(frozen=True)
class Decoded:
    """An item with its pixels uint8 [size, size, 3], or with the `error` that says why there are none."""

    item: Item
    image_id: str
    pixels: npt.NDArray[np.uint8] | None
    measured: Measured
    error: str
    passing: bool = False  # the error may be gone at the next try: the network, a lock, a slow disk


@dataclass(frozen=True)
class Decoder:
    """Read items as the model needs them. It is a callable object, so that worker processes can receive it.

    Every file is read once. Pixels, hash and quality come from one decoding, or from two when the model uses a smaller
    scale than the hash.
    """

    input: "ModelInput"
    settings: Settings
    root: Path = Path()  # where relative paths start

    def __call__(self, item: Item) -> Decoded:
        """Read one item. Every problem with the file becomes its `error`."""
        from curation.images.opening import UnreadableImage

        try:
            data = fetch(item.path, self.root)
        except UnreadableImage as error:  # the system refused
            return failed(item, error.reason, passing=True)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - each file system of fsspec raises errors of its own, as HTTP 503
            return failed(item, error, passing=True)
        image_id = item.image_id or hashlib.md5(data, usedforsecurity=False).hexdigest()
        try:
            opened = self.input.open(data, item.path, self.settings.max_megapixels)
            measured = Measured() if item.image_id else self._measured(data, opened, item)
        except UnreadableImage as error:
            return Decoded(item, image_id, None, Measured(), one_line(error.reason))
        return Decoded(item, image_id, self.input.pixels(opened.image, item.turn), measured, "")

    def _measured(self, data: bytes, opened: "Opened", item: Item) -> Measured:
        """Measure what ingest has not measured: quality, and the perceptual hash that finds near-duplicates."""
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
    """Return all bytes of a file, from this machine or through fsspec. A relative path starts at `root`."""
    if is_remote(path):
        import fsspec  # type: ignore[import-untyped]

        with fsspec.open(path, "rb") as source:
            data: bytes = source.read()
            return data
    from curation.images.opening import read_bytes

    return read_bytes(root / path)


def is_remote(path: str) -> bool:
    """Return True when `path` is a URL for fsspec, and False when it is a path of this machine."""
    return "://" in path


def content_id(path: Path) -> str:
    """Return the MD5 of the bytes of a file, in hex. This is the key of every table."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def one_line(error: object) -> str:
    """Return the message of an error on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def key(path: str, stamp: str) -> bytes:
    """Return the key of one version of a file."""
    return hashlib.blake2b(f"{path}\t{stamp}".encode(), digest_size=16).digest()


def failed(item: Item, error: object, *, passing: bool = False) -> Decoded:
    """Return the result for an image that could not be read. `passing` means that a later try may succeed."""
    return Decoded(item, item.image_id or _nameless(item), None, Measured(), one_line(error), passing)


def _nameless(item: Item) -> str:
    """Return an id for a file whose bytes can't be read, so that it still has a row of its own."""
    return hashlib.md5(os.fsencode(item.path), usedforsecurity=False).hexdigest()
