"""Writing the pixel store: every image decoded once, what has not changed taken from the cache.

DVC deletes `data/pixels` before the stage starts, so what was decoded before is kept in `.cache/curation/pixels/` (see
`pixel_cache`). A run that was killed keeps what it had done. The cache never changes the result: the store is a
function of the images alone.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from curation.engine import mapping
from curation.engine.progress import track
from curation.images.opening import MAX_MEGAPIXELS
from curation.images.store.cache_database import delete_cache
from curation.images.store.model_input import ModelInput
from curation.images.store.pixel_cache import PixelCache
from curation.images.store.pixels import VERSION, Layout, PixelsError, boundaries, shard_name
from curation.params.blocks import Resize
from curation.project.behaviour_versions import VERSIONS

ARRAY_UP_TO = 96  # pixels: below, an array is no larger than a few JPEGs and needs no decoding
SHARD_BYTES = 32 * 2**20
MAX_SHARDS = 1024
JPEG_SHARE = 0.12  # of the raw pixels, for the sizes printed beforehand; photographs at quality 92


@dataclass(frozen=True)
class Job:
    """One image to decode; picklable, because other processes do it."""

    image_id: str
    path: str
    turn: int
    input: ModelInput
    max_megapixels: float

    @property
    def key(self) -> str:
        """What its pixels are kept under."""
        return f"{self.image_id}-{self.turn}"


@dataclass(frozen=True)
class Report:
    """What a run did."""

    images: int
    decoded: int
    bytes: int


def input_of(size: int, config: Resize, background: str = "white") -> ModelInput:
    """How pixels of this size are made and kept, by `resize` in params.yaml."""
    kind = config.store if config.store != "auto" else "array" if size <= ARRAY_UP_TO else "jpeg"
    return ModelInput(size, kind, config.quality if kind == "jpeg" else 0, background)


def plan(images: int, size: int, config: Resize, background: str = "white") -> Layout:
    """The kind of store and its number of shards, from the number of images and their size alone."""
    wanted = input_of(size, config, background)
    kind = wanted.kind
    shards = 1
    while shards < MAX_SHARDS and expected_bytes(kind, images, size) > shards * SHARD_BYTES:
        shards *= 2
    return Layout(kind, size, images, shards, pixels=wanted.facts())


def expected_bytes(kind: str, images: int, size: int) -> int:
    """About how large a store becomes."""
    return int(images * size * size * 3 * (1 if kind == "array" else JPEG_SHARE))


def write_store(wanted: pd.DataFrame, out: Path, cache: Path, size: int, config: Resize) -> Report:
    """Write the pixels of `wanted` (image_id, path, turn) to the folder `out`, from the cache where it has them.

    `wanted.attrs` may hold `background` and `max_megapixels`, the settings of `ingest` for one file.
    Raises PixelsError when one can't be opened: ingest has read them all, so a file was changed since.
    """
    background = str(wanted.attrs.get("background", "white"))
    largest = float(wanted.attrs.get("max_megapixels", MAX_MEGAPIXELS))
    layout = plan(len(wanted), size, config, background)
    extra = f"-q{layout.input.quality}" if layout.kind == "jpeg" else ""
    version = f"v{VERSION}.{VERSIONS['resize']}"
    path = cache / f"{version}-{layout.kind}-{size}{extra}-{background.strip('#')}.sqlite"
    rows = sorted(zip(wanted["image_id"], wanted["path"], wanted["turn"], strict=True))
    jobs = [Job(image_id, path, int(turn), layout.input, largest) for image_id, path, turn in rows]
    try:
        return _write_through(path, jobs, layout, out, config.workers)
    except sqlite3.OperationalError as error:
        raise PixelsError(f"{path}: {error}. Free space there, or delete {cache}: nothing is lost but time") from None
    except sqlite3.DatabaseError:  # the file is damaged: what it held is decoded again
        delete_cache(path)
        return _write_through(path, jobs, layout, out, config.workers)


def _write_through(path: Path, jobs: list[Job], layout: Layout, out: Path, processes: int) -> Report:
    """Decode what the cache at `path` lacks, then write the store from the cache."""
    with closing(PixelCache(path)) as known:
        todo = [job for job in jobs if job.key not in known]
        unreadable = _decode_all(todo, known, processes)
        if unreadable:
            named = "; ".join(unreadable[:5])
            raise PixelsError(f"{len(unreadable)} images can't be opened any more: {named}. Run `dvc repro ingest`")
        written = _assemble(jobs, known, layout, out)
        known.forget_all_but(job.key for job in jobs)
    return Report(len(jobs), len(todo), written)


def decode(job: Job) -> tuple[Job, bytes, str]:
    """Decode one image to stored bytes: raw pixels or a JPEG; the text says why it can't be read."""
    from curation.errors import CurationError
    from curation.images.opening import read_bytes

    try:
        opened = job.input.open(read_bytes(Path(job.path)), job.path, job.max_megapixels)
        return job, job.input.to_stored(opened.image, job.turn), ""
    except CurationError as error:
        return job, b"", str(error)


def _decode_all(jobs: list[Job], known: PixelCache, processes: int) -> list[str]:
    unreadable = []
    done = mapping.run(decode, jobs, workers=processes if len(jobs) > 200 else 1)
    with known.writer() as add:
        for job, data, error in track(done, len(jobs), "resize"):
            if error:
                unreadable.append(error)
            else:
                add(job.key, data)
    return unreadable


def _assemble(jobs: list[Job], known: PixelCache, layout: Layout, out: Path) -> int:
    """Write the shards, the ids and store.json; returns the bytes written."""
    out.mkdir(parents=True, exist_ok=True)
    ids = np.array([job.image_id.encode() for job in jobs], dtype="S32")
    cuts = np.searchsorted(ids, np.array(boundaries(layout.shards), dtype="S"))
    parts = np.split(np.arange(len(jobs)), cuts)
    lengths: list[int] = []
    for number, part in enumerate(parts):
        path = out / shard_name(layout.kind, number)
        pieces = (known.read(jobs[place].key) for place in part)
        lengths += (
            _write_array(path, pieces, len(part), layout.size) if layout.kind == "array" else _write_jpegs(path, pieces)
        )
    np.save(out / "ids.npy", ids, allow_pickle=False)
    if layout.kind == "jpeg":
        np.save(out / "offsets.npy", np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), allow_pickle=False)
    (out / "store.json").write_text(json.dumps(layout.as_dict(), indent=1) + "\n", encoding="utf-8")
    return sum(lengths)


def _write_array(path: Path, pieces: Iterator[bytes], count: int, size: int) -> list[int]:
    shape = (count, size, size, 3)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        return [file.write(piece) for piece in pieces]


def _write_jpegs(path: Path, pieces: Iterator[bytes]) -> list[int]:
    with path.open("wb") as file:
        return [file.write(piece) for piece in pieces]
