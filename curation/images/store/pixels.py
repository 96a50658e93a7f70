"""A reader of the pixel store that the stage `resize` writes.

Small images stand in memory-mapped arrays, large ones as JPEGs one after the other (as in FFCV and WebDataset, so
that a GPU box pulls a few large files). An image goes to the shard that its id's first digits name: when images come
in, the other shards keep their bytes, and `dvc push` sends only the shards that changed. No torch here.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.errors import CurationError
from curation.images.store.model_input import ModelInput

Bytes = NDArray[np.uint8]
Rows = NDArray[np.int64]

VERSION = 1  # of the pixels and of the files: a change decodes every image again
PREFIX = 3  # hexadecimal digits of an id that choose its shard


class PixelsError(CurationError):
    """A pixel store that is missing, incomplete or of another version."""


@dataclass(frozen=True)
class Layout:
    """What store.json says."""

    kind: str  # array | jpeg
    size: int
    images: int
    shards: int
    version: int = VERSION
    pixels: Mapping[str, Any] = field(default_factory=dict)  # see ModelInput.facts; left out where it is empty

    @property
    def input(self) -> ModelInput:
        """How the pixels of the store were made."""
        return ModelInput.of(self.size, self.pixels)

    def as_dict(self) -> dict[str, Any]:
        """What store.json holds."""
        return {name: value for name, value in asdict(self).items() if value != {}}


def boundaries(shards: int) -> list[bytes]:
    """The id prefixes at which shards 1, 2, ... begin; `shards` is a power of two."""
    return [f"{number * 16**PREFIX // shards:0{PREFIX}x}".encode() for number in range(1, shards)]


def shard_name(kind: str, number: int) -> str:
    """The file name of a shard."""
    return f"{kind}-{number:04d}.{'npy' if kind == 'array' else 'bin'}"


class Pixels:
    """Reads a pixel store: uint8 pixels by row, where rows are the image ids in sorted order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = _read_layout(folder)
        self.size = self.layout.size
        self.input = self.layout.input
        self._ids = np.load(folder / "ids.npy", allow_pickle=False)
        cuts = np.searchsorted(self._ids, np.array(boundaries(self.layout.shards), dtype="S"), side="left")
        self._starts = np.concatenate([[0], cuts]).astype(np.int64)

    def __len__(self) -> int:
        return len(self._ids)

    @cached_property
    def image_ids(self) -> list[str]:
        """Every image id, in the order of the rows."""
        return [name.decode() for name in self._ids]

    def rows(self, image_ids: Iterable[str]) -> Rows:
        """The rows of some image ids; PixelsError when one is not there."""
        wanted = np.array([name.encode() for name in image_ids], dtype="S")
        if not len(wanted):
            return np.empty(0, dtype=np.int64)
        found = np.searchsorted(self._ids, wanted)
        known = self._ids[np.minimum(found, len(self) - 1)] == wanted if len(self) else np.zeros(len(wanted), bool)
        if not known.all():
            name = wanted[int(np.argmin(known))].decode()
            raise PixelsError(f"{self.folder}: no pixels of image {name}. Run `dvc repro resize`")
        return found.astype(np.int64)

    def batch(self, rows: Sequence[int] | Rows, out: Bytes | None = None) -> Bytes:
        """The pixels of some rows: uint8 [len(rows), size, size, 3]. Safe to call from several threads.

        out: contiguous memory of that shape to write them into, e.g. memory that a GPU copies from.
        """
        chosen = np.asarray(rows, dtype=np.int64)
        if out is None:
            out = np.empty((len(chosen), self.size, self.size, 3), dtype=np.uint8)
        shards = np.searchsorted(self._starts, chosen, side="right") - 1
        for shard in np.unique(shards):
            places = np.flatnonzero(shards == shard)
            self._fill(out, places, int(shard), chosen[places] - self._starts[shard])
        return out

    def _fill(self, out: Bytes, places: Rows, shard: int, rows: Rows) -> None:
        if self.layout.kind == "array":
            out[places] = self._shards[shard][rows]
            return
        data, offsets = self._shards[shard], self._offsets
        first = self._starts[shard]
        for place, row in zip(places, rows, strict=True):
            start, end = (int(offsets[first + row + step] - offsets[first]) for step in (0, 1))
            self.input.from_stored(data[start:end], out[place])

    @cached_property
    def _offsets(self) -> Rows:
        return np.load(self.folder / "offsets.npy", allow_pickle=False)  # type: ignore[no-any-return]

    @cached_property
    def _shards(self) -> list[Bytes]:
        names = [self.folder / shard_name(self.layout.kind, number) for number in range(self.layout.shards)]
        if self.layout.kind == "array":
            return [np.load(name, mmap_mode="r", allow_pickle=False) for name in names]
        empty = np.empty(0, dtype=np.uint8)
        # As plain arrays, whose slices take a tenth of the time of a memmap's.
        return [np.asarray(np.memmap(name, np.uint8, "r")) if name.stat().st_size else empty for name in names]


def _read_layout(folder: Path) -> Layout:
    try:
        facts = json.loads((folder / "store.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        raise PixelsError(f"{folder} holds no pixels. Run `dvc repro resize`") from None
    if facts.get("version") != VERSION:
        raise PixelsError(
            f"{folder}: pixels of version {facts.get('version')}, expected {VERSION}. Run `dvc repro resize`"
        )
    layout = Layout(**facts)
    if layout.kind != layout.input.kind:
        raise PixelsError(f"{folder} does not say how its JPEGs were made. Run `dvc repro --force resize`")
    return layout
