"""Score images with a model once, and keep logits and embeddings on disk instead of in memory.

The scores of two million images and some hundred classes do not fit in memory. So they are written to two memory-mapped
arrays in a scratch folder, in the order of the ids. Calibration, predictions and metrics read them in blocks.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from curation.engine.processes import count as cores
from curation.engine.progress import track
from curation.engine.read_ahead import in_threads
from curation.files.whole_files import reserve

if TYPE_CHECKING:
    from curation.model.scorer import Memory, Scorer

BLOCK = 16_384
MOST_THREADS = 16  # that read pixels beside the forward pass


class PixelStore(Protocol):
    """The methods of `curation.images.store.pixels.Pixels` that scoring needs; its images have `size` pixels a side."""

    size: int

    def rows(self, image_ids: Sequence[str]) -> Any:
        """Return the positions of the images."""

    def batch(self, rows: Any, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Return the pixels at these positions, uint8 [b, size, size, 3]; in the memory `out` where it is given."""


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


def score(
    checkpoint: Path,
    pixels: PixelStore,
    image_ids: Sequence[str],
    batch_size: int,
    scratch: Path,
    device: str = "auto",
) -> Scored:
    """Score `image_ids` with the model of `checkpoint`; threads read the pixels of the next batches meanwhile.

    device: as `train.device`. The arrays of the result are files in `scratch`; keep that folder while they are used.
    """
    from curation.model.scorer import Scorer

    ids = list(image_ids)
    scorer = Scorer(checkpoint, device)
    count = -(-len(ids) // batch_size)
    with closing(batches_of(pixels, ids, batch_size, scorer)) as batches:
        stream = track(scorer.stream(batches), count, f"score with {checkpoint.name}", "batch")
        logits, embeddings = collect(((item.logits, item.embeddings) for item in stream), len(ids), scratch)
    return Scored(ids, list(scorer.header.classes), logits, embeddings)


def batches_of(
    pixels: PixelStore, image_ids: Sequence[str], batch_size: int, scorer: "Scorer"
) -> Generator["Memory", None, None]:
    """Yield the pixels of the images, uint8 [b, size, size, 3], in their order, in memory of the scorer.

    Threads read the next batches meanwhile.
    """

    def read(ids: Sequence[str]) -> "Memory":
        batch = scorer.memory(len(ids), pixels.size, pixels.size, 3)
        pixels.batch(pixels.rows(ids), batch.numpy())
        return batch

    parts = (image_ids[start : start + batch_size] for start in range(0, len(image_ids), batch_size))
    yield from in_threads(read, parts, min(cores(0), MOST_THREADS))


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
    array = np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=(count, like.shape[1]))
    with path.open("r+b") as file:
        reserve(file.fileno())
    return array
