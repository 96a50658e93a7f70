"""Score any number of files with a model in constant memory. Guarded worker processes decode beside the forward pass.

A thread collects the decoded images of the next batch while the model scores the current one, so neither waits for the
other. A file whose decoder hangs, crashes or uses too much memory loses only its own result (see
`curation.engine.guard`). Only a few batches are in memory at any time, and each is written as soon as it is scored.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from curation.engine.guard import Bounds, Failure, run_guarded
from curation.engine.mapping import chunks
from curation.engine.progress import track
from curation.engine.read_ahead import ahead
from curation.params import Params
from curation.predict.decode import Decoded, Decoder, Item, failed, is_remote
from curation.predict.score_parts import Parts

if TYPE_CHECKING:
    from curation.model.scorer import Scores

Bytes = npt.NDArray[np.uint8]
Reals = npt.NDArray[np.float32]
Batches = Sequence[Sequence[Item]]

AHEAD = 2  # batches decoded before the model asks for them
CHUNK = 16  # images handed to a worker at once
STEP = 32  # images in a forward pass on a CPU: as fast as any more, in the least memory


class Batch(NamedTuple):
    """A batch of images, and the pixels uint8 [r, size, size, 3] of the r images that can be read."""

    images: list[Decoded]
    pixels: Bytes


class ScoredBatch(NamedTuple):
    """A batch of images, and float32 logits [r, c] and embeddings [r, d] of the r images that can be read."""

    images: list[Decoded]
    logits: Reals
    embeddings: Reals


def score_into(parts: Parts, items: Sequence[Item], checkpoint: Path, decoder: Decoder, params: Params) -> list[Path]:
    """Score the items in batches, skip the batches that `parts` has already, and return their files in order."""
    parts.forget_passing()
    batches = list(chunks(items, params.identify.batch_size))
    missing = [batch for batch in batches if not parts.path(batch).exists()]
    if missing:
        done = (image for batch in score_batches(missing, checkpoint, decoder, params) for image in parts.write(*batch))
        deque(track(done, sum(map(len, missing)), "identify"), maxlen=0)
    return [parts.found(batch) for batch in batches]


def score_batches(batches: Batches, checkpoint: Path, decoder: Decoder, params: Params) -> Iterator[ScoredBatch]:
    """Decode the batches and score them with the model of `checkpoint`. Yields the results in order."""
    from curation.model.scorer import Scorer

    scorer = Scorer(checkpoint, params.train.device)
    with closing(ahead(_decoded(batches, decoder, params), AHEAD)) as decoded:
        waiting: deque[tuple[Batch, int]] = deque()
        steps = _steps(decoded, waiting, params.identify.batch_size if scorer.device.is_cuda else STEP)
        yield from _gathered(scorer.stream(steps), waiting)


def _decoded(batches: Batches, decoder: Decoder, params: Params) -> Iterator[Batch]:
    """Decode one batch after the other in worker processes."""
    bounds = Bounds(params.ingest.timeout, params.ingest.memory)
    items = (item for batch in batches for item in batch)
    answers = run_guarded(decoder, items, processes=params.identify.workers, bounds=bounds, chunk=CHUNK)
    for batch in batches:
        images = [_image(item, next(answers)) for item in batch]
        pixels = [image.pixels for image in images if image.pixels is not None]
        light = [replace(image, pixels=None) for image in images]
        yield Batch(light, np.stack(pixels) if pixels else np.zeros((0, 0, 0, 3), np.uint8))


def _image(item: Item, answer: Decoded | Failure) -> Decoded:
    if not isinstance(answer, Failure):
        return answer
    return failed(item, answer.reason, passing=answer.kind == "timeout" and is_remote(item.path))


def _steps(batches: Iterator[Batch], waiting: deque[tuple[Batch, int]], size: int) -> Iterator[Bytes]:
    """Yield the pixels of one forward pass after the other. Put each batch in `waiting` with its number of passes."""
    for batch in batches:
        starts = range(0, len(batch.pixels), size)
        waiting.append((batch, len(starts)))
        for start in starts:
            yield batch.pixels[start : start + size]


def _gathered(scores: "Iterator[Scores]", waiting: deque[tuple[Batch, int]]) -> Iterator[ScoredBatch]:
    """Yield each batch when all its passes are done; a batch without readable images needs none."""
    held: list[Scores] = []
    for some in chain(scores, [None]):
        held += [some] if some else []
        while waiting and waiting[0][1] == len(held):
            images = waiting.popleft()[0].images
            empty = np.zeros((0, 0), np.float32)
            logits = np.concatenate([one.logits for one in held]) if held else empty
            yield ScoredBatch(images, logits, np.concatenate([one.embeddings for one in held]) if held else empty)
            held = []
