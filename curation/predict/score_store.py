"""Score images with a model once, and keep logits and embeddings on disk instead of in memory.

The scores of two million images and some hundred classes do not fit in memory. So they are written to two memory-mapped
arrays in a scratch folder, in the order of the ids. Calibration, predictions and metrics read them in blocks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from curation.engine.progress import track

BLOCK = 16_384


class PixelStore(Protocol):
    """The methods of `curation.images.store.pixels.Pixels` that scoring needs."""

    def rows(self, image_ids: Sequence[str]) -> Any:
        """Return the positions of the images."""

    def batch(self, rows: Any) -> NDArray[np.uint8]:
        """Return the pixels at these positions, uint8 [b, size, size, 3]."""


@dataclass(frozen=True)
class Scored:
    """Memory-mapped logits float32 [n, c] and embeddings float16 [n, d] of `image_ids`; c is 0 without a head."""

    image_ids: list[str]
    classes: list[str]
    logits: NDArray[np.float32]
    embeddings: NDArray[np.float16]

    def blocks(self, size: int = BLOCK) -> Iterator[slice]:
        """Yield slices that together cover all rows, each with at most `size` rows."""
        for start in range(0, len(self.image_ids), size):
            yield slice(start, min(start + size, len(self.image_ids)))


def score(checkpoint: Path, pixels: PixelStore, image_ids: Sequence[str], batch_size: int, scratch: Path) -> Scored:
    """Score `image_ids` with the model of `checkpoint`.

    The arrays of the result are files in `scratch`; keep that folder while they are used.
    """
    from curation.model.header import read_header
    from curation.model.scorer import score_stream

    ids = list(image_ids)
    count = -(-len(ids) // batch_size)
    scores = score_stream(checkpoint, batches_of(pixels, ids, batch_size))
    stream = track(scores, count, f"score with {checkpoint.name}", "batch")
    classes = list(read_header(checkpoint).classes)
    logits, embeddings = collect(((item.logits, item.embeddings) for item in stream), len(ids), scratch)
    return Scored(ids, classes, logits, embeddings)


def batches_of(pixels: PixelStore, image_ids: Sequence[str], batch_size: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the pixels of the images, uint8 [b, size, size, 3], in their order."""
    for start in range(0, len(image_ids), batch_size):
        yield pixels.batch(pixels.rows(image_ids[start : start + batch_size]))


def collect(
    parts: Iterator[tuple[NDArray[Any], NDArray[Any]]], count: int, scratch: Path
) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """Write batches of (logits, embeddings), one after the other, into arrays of `count` rows in `scratch`."""
    logits: NDArray[np.float32] = np.zeros((count, 0), np.float32)
    embeddings: NDArray[np.float16] = np.zeros((count, 0), np.float16)
    scratch.mkdir(parents=True, exist_ok=True)
    done = 0
    for part_logits, part_embeddings in parts:
        if done == 0:
            logits = _array(scratch / "logits.npy", np.float32, count, part_logits)
            embeddings = _array(scratch / "embeddings.npy", np.float16, count, part_embeddings)
        end = done + len(part_logits)
        logits[done:end] = part_logits
        # A float16 ends at 65,504; an embedding beyond it would become infinite and poison every distance.
        embeddings[done:end] = np.clip(part_embeddings, -65_504, 65_504)
        done = end
    return logits, embeddings


def _array(path: Path, kind: type, count: int, like: NDArray[Any]) -> NDArray[Any]:
    if like.shape[1] == 0:  # a file of no bytes can't be mapped
        return np.zeros((count, 0), kind)
    return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=(count, like.shape[1]))
