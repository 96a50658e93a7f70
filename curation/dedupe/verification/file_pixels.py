"""Pairs of image files compared in worker processes; each keeps the features of the last few files.

The pixels come from the same safe reading as ingest. A file that can't be read is no copy of anything. The cache is
keyed by the image_id, which names the bytes, so it never holds what a file was before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from curation.dedupe.verification.compare_pictures import NOTHING, Verdict, compare
from curation.dedupe.verification.compared_picture import SIDE, ComparedPicture, Pixels
from curation.images.opening import MAX_MEGAPIXELS, UnreadableImage, decode, read_bytes
from curation.params.blocks import Ingest

CACHED = 96  # pictures with their features: some 60 MB


@dataclass(frozen=True)
class ImageFiles:
    """Where image files lie, and how they are read: as `ingest` in params.yaml says."""

    root: Path = Path()
    background: str = "white"
    max_megapixels: float = MAX_MEGAPIXELS

    @classmethod
    def of(cls, root: Path, ingest: Ingest) -> "ImageFiles":
        """Read the files below `root` with the settings of `ingest`."""
        return cls(root, ingest.background, float(ingest.max_megapixels))

    def read(self, path: str, side: int | None) -> Pixels:
        """Read uint8 [h, w, 3] in the order blue, green, red, at no fewer than `side` pixels a side where it can.

        Raises UnreadableImage.
        """
        full = self.root / path
        image = decode(read_bytes(full), path, side, self.background, self.max_megapixels).image
        return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])


class FileFacts(NamedTuple):
    """One file: its image_id, its path below the root, and the pixels of its long side."""

    image_id: str
    path: str
    long_side: int


@dataclass(frozen=True)
class CompareFiles:
    """Compares a block of pairs of files; called in worker processes."""

    files: ImageFiles

    def __call__(self, block: Sequence[tuple[FileFacts, FileFacts]]) -> list[Verdict]:
        """Return the verdict of each pair."""
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)  # many small calls: threads cost more than they give, and one order of sums
        try:
            return [self._pair(one, other) for one, other in block]
        finally:
            cv2.setNumThreads(threads)

    def _pair(self, one: FileFacts, other: FileFacts) -> Verdict:
        ours, theirs = _picture(self.files, one), _picture(self.files, other)
        return compare(ours, theirs) if ours and theirs else NOTHING


@dataclass(frozen=True)
class ContentOf:
    """Makes a digest of the size and all decoded pixels of each file; called in worker processes."""

    files: ImageFiles

    def __call__(self, block: Sequence[str]) -> list[str]:
        """Return the digest of each path; "" where the file can't be read."""
        return [self._digest(path) for path in block]

    def _digest(self, path: str) -> str:
        try:
            pixels = self.files.read(path, None)
        except UnreadableImage:
            return ""
        return sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def forget_pictures() -> None:
    """Give the memory of the cached pictures back."""
    _picture.cache_clear()


@lru_cache(CACHED)
def _picture(files: ImageFiles, facts: FileFacts) -> ComparedPicture | None:
    try:
        return ComparedPicture(partial(files.read, facts.path), facts.long_side, SIDE)
    except UnreadableImage:
        return None
