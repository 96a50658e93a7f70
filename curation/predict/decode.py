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
    from PIL import Image

    from curation.images.opening import Opened


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


@dataclass(frozen=True)
class Decoder:
    """Reads items at a model's size. A callable object, so that worker processes can be handed it.

    Every file is read once and decoded once; pixels, hash and quality are all made from that.
    """

    size: int
    settings: Settings
    root: Path = Path()  # where relative paths start

    def __call__(self, item: Item) -> Decoded:
        """Read one item; whatever is wrong with it becomes its `error`."""
        from curation.images.opening import UnreadableImage, decode

        image_id = item.image_id or _nameless(item)
        try:
            data = fetch(item.path, self.root)
            image_id = item.image_id or hashlib.md5(data, usedforsecurity=False).hexdigest()
            opened = decode(data, item.path, self._reduce_to, self.settings.background, self.settings.max_megapixels)
        except UnreadableImage as error:
            return Decoded(item, image_id, None, Measured(), one_line(error.reason))
        except (OSError, ValueError, ImportError) as error:  # what fsspec's file systems raise
            return Decoded(item, image_id, None, Measured(), one_line(error))
        return Decoded(item, image_id, self._pixels(opened.image, item.turn), self._measured(opened, item), "")

    @property
    def _reduce_to(self) -> int:
        """Pixels of the shorter side that both model and hash can do with, so that hashes are those of ingest."""
        return max(self.size, self.settings.reduce_to)

    def _pixels(self, image: "Image.Image", turn: int) -> npt.NDArray[np.uint8]:
        from curation.images.store.pixels import square, upright

        return upright(square(image, self.size), turn)

    def _measured(self, opened: "Opened", item: Item) -> Measured:
        """Measure what ingest has not: quality, and the perceptual hash that finds twins of known images."""
        if item.image_id:
            return Measured()
        from curation.images.image_measures import measure_opened

        found = measure_opened(opened, self.settings)
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


def failed(item: Item, reason: str) -> Decoded:
    """What stands for an image that no worker could answer for."""
    return Decoded(item, item.image_id or _nameless(item), None, Measured(), one_line(reason))


def _nameless(item: Item) -> str:
    """Make an id for a file whose bytes can't be had, so that it still has a row of its own."""
    return hashlib.md5(os.fsencode(item.path), usedforsecurity=False).hexdigest()
