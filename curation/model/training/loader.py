"""Load batches onto the device: threads read ahead, and copies run while the device works on the last batch.

It uses threads and not processes. The pixels are already decoded, or are JPEGs whose decoder releases the interpreter
lock. So no data is copied between processes, and Ctrl-C leaves no process behind. The threads share every batch, so
that the first batch of an epoch is soon there. For a GPU they decode into pinned memory: see `model.device_transfer`.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch

from curation.images.store.pixels import Pixels
from curation.model.device import Device
from curation.model.device_transfer import Sent, Transfer, memory
from curation.model.training.examples import Examples, Ints

CHUNK = 32  # images that a thread reads at once
AHEAD = 3  # chunks that each thread reads ahead
MOST = 8  # threads for a GPU, unless `train.workers` says how many: more only disturb the one that drives it


@dataclass(frozen=True)
class Batch:
    """Some examples on the device."""

    indices: Ints  # [b] into the Examples, of this process
    images: torch.Tensor  # uint8 [b, size, size, 3]
    labels: torch.Tensor  # int64 [b]
    whole: int  # size of the batch over all processes
    offset: int  # index at which this process's part begins
    number: int  # of the batch in its epoch


class Loader:
    """Reads batches of examples for a device. Use it as a context: leaving it ends the threads."""

    def __init__(self, pixels: Pixels, device: Device, workers: int = 0) -> None:
        """workers: threads that read; 0 chooses by the device."""
        self._pixels, self._device = pixels, device
        self._workers = workers or threads_for(device)
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="loader")
        self._transfer = Transfer(device)

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def batches(self, examples: Examples, parts: Sequence[Ints]) -> Iterator[Batch]:
        """Yield every batch in order; under several processes, each gets its share of it.

        On a GPU, the next batch is already on its way while the caller works on this one.
        """
        under_way: deque[tuple[Batch, Sent]] = deque()
        for batch in self._read(examples, parts):
            under_way.append((batch, self._transfer.send(batch.images, batch.labels)))
            if len(under_way) > int(self._device.is_cuda):
                yield _arrived(*under_way.popleft())
        while under_way:
            yield _arrived(*under_way.popleft())

    def _read(self, examples: Examples, parts: Sequence[Ints]) -> Iterator[Batch]:
        """Yield the batches in memory, in order, while the threads read the next ones."""
        reading: deque[tuple[Batch, list[Future[object]]]] = deque()
        for number, part in enumerate(parts):
            reading.append(self._begin(examples, part, number))
            chunks = sum(len(waiting) for _, waiting in reading)
            while len(reading) > 1 and chunks > self._workers * AHEAD:
                batch, waiting = reading.popleft()
                yield _when_read(batch, waiting)
                chunks -= len(waiting)
        while reading:
            yield _when_read(*reading.popleft())

    def _begin(self, examples: Examples, part: Ints, number: int) -> tuple[Batch, list[Future[object]]]:
        rank, world = self._device.rank, self._device.world
        start, stop = (len(part) * (rank + step) // world for step in (0, 1))
        indices = part[start:stop]
        rows, size = examples.rows[indices], self._pixels.size
        images = memory((len(rows), size, size, 3), torch.uint8, self._device)
        labels = memory((len(rows),), torch.int64, self._device)
        labels.numpy()[:] = examples.labels[indices]
        out = images.numpy()
        cuts = [slice(at, at + CHUNK) for at in range(0, len(rows), CHUNK)]
        waiting: list[Future[object]] = [self._pool.submit(self._pixels.batch, rows[cut], out[cut]) for cut in cuts]
        return Batch(indices, images, labels, len(part), start, number), waiting


def threads_for(device: Device) -> int:
    """How many threads read for a device: two beside a CPU that computes, one a core and eight at most for a GPU."""
    if not device.is_cuda:
        return 2
    return max(2, min(MOST, len(os.sched_getaffinity(0)) // device.world))


def _when_read(batch: Batch, waiting: list[Future[object]]) -> Batch:
    for part in waiting:
        part.result()
    return batch


def _arrived(batch: Batch, sent: Sent) -> Batch:
    images, labels = sent.arrived()
    return replace(batch, images=images, labels=labels)
