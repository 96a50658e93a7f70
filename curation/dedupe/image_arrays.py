"""What the search for duplicates knows of every image, as plain arrays, sorted by image_id.

The Parquet file is read in batches, so that no image is a Python object for long. The thumbnails are the largest part:
1.15 GB for a million images. They lie in a memory-mapped scratch file, and code that has read a part of it gives that
memory back with `release`.
"""

import mmap
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curation import tables
from curation.dedupe.views.frames import contents
from curation.files.whole_files import reserve
from curation.images import image_measures

FACTS = ["image_id", "path", "source", "label", "origin", "copy_labels", "format", "bytes", "width", "height", "blur"]
FACTS += ["hash_quality", "captured_at"]
COLUMNS = [*FACTS, "error", "hash", "thumbnail"]
SPARED = 2**28  # a mapped file with fewer bytes stays in memory
BATCH = 4096  # rows that exist as Python objects at a time


class Contents(NamedTuple):
    """What lies inside the frames of pictures: thumbnails uint8 [n, bytes], width divided by height float32 [n]."""

    thumbnails: NDArray[np.uint8]
    aspects: NDArray[np.float32]


class Pictures(NamedTuple):
    """Readable images: facts [n rows of FACTS], hashes uint64 [n, 8, words], thumbnails uint8 [n, bytes]."""

    facts: pd.DataFrame
    hashes: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]

    contents: Contents


def from_frame(images: pd.DataFrame) -> Pictures:
    """Take the readable images of a table IMAGES."""
    frame = images.loc[images["error"] == ""].sort_values("image_id", kind="stable").reset_index(drop=True)
    thumbnails = _thumbnail_bytes(frame["thumbnail"].tolist())
    inside = Contents(np.empty_like(thumbnails), np.empty(len(frame), np.float32))
    contents(thumbnails, _sides(frame), *inside)
    return Pictures(frame[FACTS], image_measures.hashes(frame), thumbnails, inside)


def from_parquet(path: Path) -> Pictures:
    """Read the readable images of the file data/images.parquet, a batch at a time; its rows are sorted by image_id."""
    tables.read(path, tables.IMAGES, ["image_id"])
    source = pq.ParquetFile(path, pre_buffer=False)
    shape = (max(source.metadata.num_rows, 1), image_measures.THUMBNAIL_BYTES)
    scratch, inside = _scratch(shape), Contents(_scratch(shape), np.empty(shape[0], np.float32))
    facts, hashes, filled = [], [], 0
    for batch in source.iter_batches(BATCH, columns=COLUMNS):
        frame = batch.to_pandas()
        frame = frame.loc[frame["error"] == ""]
        scratch[filled : filled + len(frame)] = _thumbnail_bytes(frame["thumbnail"].tolist())
        rows = slice(filled, filled + len(frame))
        contents(scratch[rows], _sides(frame), inside.thumbnails[rows], inside.aspects[rows])
        release(scratch[rows])
        release(inside.thumbnails[rows])
        hashes.append(image_measures.hashes(frame))
        facts.append(frame[FACTS].assign(copy_labels=[tuple(labels) for labels in frame["copy_labels"]]))
        filled += len(frame)
    if not facts:
        return from_frame(pd.DataFrame(columns=COLUMNS).astype({"error": "str"}))
    pa.default_memory_pool().release_unused()
    inside = Contents(inside.thumbnails[:filled], inside.aspects[:filled])
    return Pictures(pd.concat(facts, ignore_index=True), np.concatenate(hashes), scratch[:filled], inside)


def _scratch(shape: tuple[int, int]) -> NDArray[np.uint8]:
    """A file that is mapped into memory; the mapping outlives the file's name."""
    with tempfile.TemporaryFile() as file:
        array = np.memmap(file, np.uint8, "w+", shape=shape)
        reserve(file.fileno())
        return array


def _sides(frame: pd.DataFrame) -> NDArray[np.float32]:
    return np.ascontiguousarray(frame[["width", "height"]].to_numpy(np.float32))


def release(part: NDArray[np.generic]) -> None:
    """Take a part of a memory-mapped array out of this process's memory. The next read gets it from the file again.

    part: consecutive rows. The system maps 64 KB around each byte that is read, so a few thousand scattered thumbnails
    take a quarter of a gigabyte. Nothing happens where the file is smaller than SPARED, the array is not mapped, or the
    system has no such call.
    """
    whole: object = part
    start = 0  # the address of the mapping
    while isinstance(whole, np.ndarray):
        start, whole = whole.ctypes.data, whole.base
    if not (isinstance(whole, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED")) or len(whole) < SPARED:
        return
    first = -(-(part.ctypes.data - start) // mmap.PAGESIZE) * mmap.PAGESIZE
    last = (part.ctypes.data - start + part.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if last > first:
        whole.madvise(mmap.MADV_DONTNEED, first, last - first)


def _thumbnail_bytes(column: Sequence[bytes]) -> NDArray[np.uint8]:
    blank = bytes(image_measures.THUMBNAIL_BYTES)
    joined = b"".join(text or blank for text in column)
    return np.frombuffer(joined, np.uint8).reshape(-1, image_measures.THUMBNAIL_BYTES)
