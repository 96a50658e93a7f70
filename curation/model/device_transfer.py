"""Copies to a GPU that run beside its arithmetic.

They have a stream of their own, as in NVIDIA's examples of data prefetching, and start from pinned memory, from which a
GPU copies by itself. What uses a copy waits for it on the device, so no thread waits. On a CPU nothing is copied.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from curation.model.device import Device


@dataclass(frozen=True)
class Sent:
    """Tensors that are on their way to a device; `done` is None where they are there."""

    tensors: Sequence[torch.Tensor]
    done: "torch.cuda.Event | None" = None

    def arrived(self) -> Sequence[torch.Tensor]:
        """The tensors for the caller's stream: what it does with them next waits for the copy, on the device."""
        if self.done is not None:
            stream = torch.cuda.current_stream(self.tensors[0].device)
            stream.wait_event(self.done)
            for tensor in self.tensors:
                tensor.record_stream(stream)  # so that their memory is not used again before the stream is done
        return self.tensors


class Transfer:
    """Sends tensors to a device."""

    def __init__(self, device: Device) -> None:
        self._target = device.torch
        self._stream = torch.cuda.Stream(device.torch) if device.is_cuda else None  # type: ignore[no-untyped-call]

    def send(self, *tensors: torch.Tensor) -> Sent:
        """Start the copies of some tensors, of pinned memory if they shall not wait."""
        if self._stream is None:
            return Sent(tensors)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        with torch.cuda.stream(self._stream):
            copies = [tensor.to(self._target, non_blocking=True) for tensor in tensors]
            done.record(self._stream)
        return Sent(copies, done)


def memory(shape: tuple[int, ...], kind: torch.dtype, device: Device) -> torch.Tensor:
    """A tensor on the CPU that nothing was written to yet, in pinned memory where it is for a GPU."""
    return torch.empty(shape, dtype=kind, pin_memory=device.is_cuda)
