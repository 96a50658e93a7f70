"""Load batches onto the device: threads read ahead, and copies run while the device works on the last batch.

It uses threads and not processes. The pixels are already decoded, or are JPEGs whose decoder releases the interpreter
lock. So no data is copied between processes, and Ctrl-C leaves no process behind.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch

from curation.images.store.pixels import Pixels
from curation.model.device import Device
from curation.model.training.examples import Examples, Ints

AHEAD = 3  # batches that each thread reads ahead


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

    def __init__(self, pixels: Pixels, device: Device, workers: int = 2) -> None:
        self._pixels, self._device = pixels, device
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="loader")
        self._ahead = workers * AHEAD

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def batches(self, examples: Examples, parts: Sequence[Ints]) -> Iterator[Batch]:
        """Yield every batch in order; under several processes, each gets its share of it."""
        pending: deque[Future[Batch]] = deque()
        for number, part in enumerate(parts):
            pending.append(self._pool.submit(self._read, examples, part, number))
            if len(pending) > self._ahead:
                yield self._send(pending.popleft().result())
        while pending:
            yield self._send(pending.popleft().result())

    def _read(self, examples: Examples, part: Ints, number: int) -> Batch:
        rank, world = self._device.rank, self._device.world
        start, stop = (len(part) * (rank + step) // world for step in (0, 1))
        indices = part[start:stop]
        images = torch.from_numpy(self._pixels.batch(examples.rows[indices]))
        labels = torch.from_numpy(examples.labels[indices])
        if self._device.is_cuda:
            images, labels = images.pin_memory(), labels.pin_memory()
        return Batch(indices, images, labels, len(part), start, number)

    def _send(self, batch: Batch) -> Batch:
        if not self._device.is_cuda:
            return batch
        target = self._device.torch
        images, labels = (tensor.to(target, non_blocking=True) for tensor in (batch.images, batch.labels))
        return Batch(batch.indices, images, labels, batch.whole, batch.offset, batch.number)
