"""Any number of images through a model: decoding in worker processes, one forward pass a batch, flat memory.

At most a few batches are in memory at any time; each is written as soon as it is scored.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from curation import workers
from curation.identify.decode import Decoded, Decoder, Item
from curation.identify.parts import Parts


def score(
    items: Sequence[Item], checkpoint: Path, decoder: Decoder, parts: Parts, *, batch_size: int, processes: int = 0
) -> list[Path]:
    """Score items in batches of `batch_size`, passing over batches that are there already; returns files, in order."""
    batches = list(workers.chunks(items, batch_size))
    paths = [parts.path(batch) for batch in batches]
    missing = [batch for batch, path in zip(batches, paths, strict=True) if not path.exists()]
    if missing:
        _score_missing(missing, checkpoint, decoder, parts, processes)
    return paths


def _score_missing(
    batches: Sequence[Sequence[Item]], checkpoint: Path, decoder: Decoder, parts: Parts, processes: int
) -> None:
    from curation.model.scoring import score_stream

    waiting: deque[list[Decoded]] = deque()
    decoded = workers.run(decoder, (item for batch in batches for item in batch), workers=processes, chunk=32)
    tracked = workers.track(decoded, sum(len(batch) for batch in batches), "identify")
    stream = score_stream(checkpoint, _pixels(tracked, [len(batch) for batch in batches], parts, waiting))
    for scores in stream:
        parts.write(waiting.popleft(), np.asarray(scores.logits), np.asarray(scores.embeddings))


def _pixels(
    decoded: Iterable[Decoded], sizes: Sequence[int], parts: Parts, waiting: deque[list[Decoded]]
) -> Iterator[np.ndarray]:
    """Yield the readable images of each batch uint8 [r, size, size, 3], and queue the batch for its scores."""
    source = iter(decoded)
    for size in sizes:
        batch = [next(source) for _ in range(size)]
        pixels = [image.pixels for image in batch if image.pixels is not None]
        if not pixels:  # nothing to score: the errors are recorded at once
            parts.write(batch, np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32))
            continue
        waiting.append([_light(image) for image in batch])
        yield np.stack(pixels)
    deque(source, maxlen=0)  # lets the progress bar end


def _light(image: Decoded) -> Decoded:
    """Drop the pixels once they are in the batch, but remember that they were there."""
    empty = np.zeros((0, 0, 3), np.uint8)
    return image if image.pixels is None else Decoded(image.item, image.image_id, empty, image.measured, image.error)
