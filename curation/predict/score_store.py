"""Every image through a model once, with the logits and embeddings on disk instead of in memory.

Two million images times a few hundred classes do not fit in memory, so the scores go to two memory-mapped arrays in a
scratch folder, in the order of the ids; all that follows (calibration, predictions, metrics) reads them in blocks.
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
    """What scoring needs of `curation.images.store.pixels.Pixels`."""

    def rows(self, image_ids: Sequence[str]) -> Any:
        """Positions of the images."""

    def batch(self, rows: Any) -> NDArray[np.uint8]:
        """The pixels at these positions, uint8 [b, size, size, 3]."""


@dataclass(frozen=True)
class Scored:
    """Logits float32 [n, c] and embeddings float16 [n, d] of `image_ids`, memory-mapped; c is 0 without a head."""

    image_ids: list[str]
    classes: list[str]
    logits: NDArray[np.float32]
    embeddings: NDArray[np.float16]

    def blocks(self, size: int = BLOCK) -> Iterator[slice]:
        """Slices that cover all rows, `size` at a time."""
        for start in range(0, len(self.image_ids), size):
            yield slice(start, min(start + size, len(self.image_ids)))


def score(checkpoint: Path, pixels: PixelStore, image_ids: Sequence[str], batch_size: int, scratch: Path) -> Scored:
    """Score `image_ids` with the model of `checkpoint`; the arrays are files in `scratch`, which must outlive them."""
    from curation.model.header import read_header
    from curation.model.scorer import score_stream

    ids = list(image_ids)
    starts = range(0, len(ids), batch_size)
    batches = (pixels.batch(pixels.rows(ids[start : start + batch_size])) for start in starts)
    stream = track(score_stream(checkpoint, batches), len(starts), f"score with {checkpoint.name}", "batch")
    classes = list(read_header(checkpoint).classes)
    logits, embeddings = collect(((item.logits, item.embeddings) for item in stream), len(ids), scratch)
    return Scored(ids, classes, logits, embeddings)


def collect(
    parts: Iterator[tuple[NDArray[Any], NDArray[Any]]], count: int, scratch: Path
) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """Write (logits, embeddings) batches one after the other into arrays of `count` rows under `scratch`."""
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
