"""An append-only cache of small blobs in a few files, safe against kill -9.

A segment is a data file and an index written after it; data without an index is rubbish of a killed run and is swept
away. The form is that of a log-structured store (Bitcask): add at the end, find through an index in memory, drop
whole segments that nobody needs.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROLL_BYTES = 64 * 2**20  # a segment is closed at this size, so that little is lost to a kill


class Segments:
    """Blobs by key, in the folder given; one process writes at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places: dict[str, tuple[Path, int, int]] = {}
        self._maps: dict[Path, NDArray[np.uint8]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for index in sorted(folder.glob("*.json")):
            self._take(index)
        for data in folder.glob("*.bin*"):
            if not data.with_suffix(".json").exists():
                data.unlink(missing_ok=True)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def read(self, key: str) -> NDArray[np.uint8]:
        """The bytes under a key, as a view into the file."""
        path, start, length = self._places[key]
        if path not in self._maps:
            self._maps[path] = np.memmap(path, dtype=np.uint8, mode="r")
        return self._maps[path][start : start + length]

    @contextmanager
    def writer(self) -> Iterator[Callable[[str, bytes], None]]:
        """A function that adds a blob; what was added is kept also when the block is left by an error."""
        segment = _Open(self.folder)

        def add(key: str, data: bytes) -> None:
            nonlocal segment
            segment.add(key, data)
            if segment.length > ROLL_BYTES:
                self._close(segment)
                segment = _Open(self.folder)

        try:
            yield add
        finally:
            self._close(segment)

    def forget_all_but(self, keys: list[str]) -> None:
        """Delete the segments that hold none of `keys`."""
        needed = {self._places[key][0] for key in keys if key in self._places}
        for path in {place[0] for place in self._places.values()} - needed:
            path.with_suffix(".json").unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        self._places = {key: place for key, place in self._places.items() if place[0] in needed}

    def _take(self, index: Path) -> None:
        data = index.with_suffix(".bin")
        try:
            places = json.loads(index.read_text(encoding="utf-8"))
            whole = data.stat().st_size >= max((start + length for start, length in places.values()), default=0)
        except (OSError, ValueError):
            whole = False
        if whole:
            self._places |= {key: (data, start, length) for key, (start, length) in places.items()}
        else:
            index.unlink(missing_ok=True)

    def _close(self, segment: "_Open") -> None:
        index = segment.finish()
        if index:
            self._take(index)


class _Open:
    """A segment that is being written."""

    def __init__(self, folder: Path) -> None:
        taken = [int(path.stem) for path in folder.glob("*.json")]
        self._path = folder / f"{max(taken, default=0) + 1:06d}.bin"
        self._draft = self._path.with_name(f"{self._path.stem}.bin.partial")
        self._file = self._draft.open("wb")
        self._places: dict[str, tuple[int, int]] = {}
        self.length = 0

    def add(self, key: str, data: bytes) -> None:
        self._file.write(data)
        self._places[key] = (self.length, len(data))
        self.length += len(data)

    def finish(self) -> Path | None:
        self._file.close()
        if not self._places:
            self._draft.unlink(missing_ok=True)
            return None
        self._draft.replace(self._path)
        index = self._path.with_suffix(".json")
        draft = index.with_name(f".{index.name}")
        draft.write_text(json.dumps(self._places), encoding="utf-8")
        draft.replace(index)
        return index
