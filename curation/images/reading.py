"""What a worker process does with one file: read it once, name it by its MD5, measure it.

This module imports neither pandas nor anything slow, so that a worker that has to be replaced is soon there again.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from curation.images.image_measures import Measures, Settings, measure
from curation.images.opening import MAX_BYTES, UnreadableImage

BLOCK = 2**20


class Request(NamedTuple):
    """A file to read, relative to the reader's root, and its MD5 where that is known."""

    path: str
    md5: str


class Reading(NamedTuple):
    """What a file held; `md5` is "" where it could not be read; not `steady`: another run may find otherwise."""

    md5: str
    size: int
    mtime_ns: int
    inode: int
    measures: Measures
    steady: bool = True


@dataclass(frozen=True)
class Reader:
    """Reads and measures files below `root`; called in worker processes."""

    root: str
    settings: Settings

    def __call__(self, request: Request) -> Reading:
        """Read one file; what can't be read comes back with its reason as `error`."""
        try:
            return self._read(request)
        except OSError as error:
            reason = f"the system refused to read it: {error.strerror}"
            return Reading("", 0, 0, 0, Measures(error=reason), steady=False)

    def _read(self, request: Request) -> Reading:
        path = os.path.join(self.root, request.path)  # noqa: PTH118 - a million times: several times quicker than Path
        with open(path, "rb") as stream:  # noqa: PTH123
            state = os.fstat(stream.fileno())
            if state.st_size > MAX_BYTES:
                found = request.md5 or hashlib.file_digest(stream, "md5").hexdigest()
                reason = f"the file has {state.st_size / 1e9:.1f} GB; at most {MAX_BYTES / 1e9:.1f} GB are read"
                return Reading(found, state.st_size, state.st_mtime_ns, state.st_ino, Measures(error=reason))
            data = stream.read()
        md5 = request.md5 or hashlib.md5(data, usedforsecurity=False).hexdigest()
        try:
            measures = measure(data, request.path, self.settings)
        except UnreadableImage as error:
            measures = Measures(error=error.reason)
        return Reading(md5, len(data), state.st_mtime_ns, state.st_ino, measures)


def content_id(path: Path) -> str:
    """MD5 of a file's bytes in hex, "" where the system refuses; never holds the file in memory."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError:
        return ""
