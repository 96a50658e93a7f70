"""Score images with a checkpoint: logits and embeddings in one pass.

The embedding is the input of the head. Where the head is a convolution (SqueezeNet), it is the mean over all positions.
So a backbone, which has no head yet, gives embeddings too, and no logits.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from curation.model import device as devices
from curation.model.checkpoint import restore
from curation.model.device_transfer import Transfer, memory
from curation.model.header import Header
from curation.model.normalise import Normalise, to_float

Reals = NDArray[np.float32]
Memory = torch.Tensor  # memory that the device copies pixels from


@dataclass(frozen=True)
class Scores:
    """Logits and embeddings of a batch."""

    logits: Reals  # [batch, classes]; no column for a backbone
    embeddings: Reals  # [batch, features]


@dataclass(frozen=True)
class _Launched:
    """The results of a batch, in memory once `done` has happened on the device; None where they are there already."""

    logits: torch.Tensor
    embeddings: torch.Tensor
    done: "torch.cuda.Event | None"


class Scorer:
    """A checkpoint ready to score. Up to rounding, a score does not depend on the other images of the batch."""

    def __init__(self, checkpoint: Path, device: str = "auto", precision: str = "") -> None:
        """Load a checkpoint, with or without a head. Raises CheckpointError when it can't be read.

        device and precision: as in params.yaml. Without a precision, a GPU uses the one that the model was trained
        with, and a CPU fp32, which is repeatable.
        """
        header, model, head = restore(checkpoint)
        chosen = devices.choose(device, precision or "auto")
        if chosen.is_cuda and not precision:
            chosen = devices.choose(device, str(header.params.get("train", {}).get("precision", "auto")))
        self._take(header, _rounded(model, chosen), head, chosen)

    @classmethod
    def of(cls, header: Header, model: nn.Module, head: str, device: devices.Device) -> "Scorer":
        """Score with a model in memory, such as one that was trained a moment ago. It is put in evaluation mode.

        head: the name of its last layer.
        """
        one = cls.__new__(cls)
        one._take(header, model.eval(), head, device)
        return one

    def _take(self, header: Header, model: nn.Module, head: str, device: devices.Device) -> None:
        self.header, self.device = header, device
        self._head_input: list[torch.Tensor] = []
        model.get_submodule(head).register_forward_pre_hook(self._remember)
        self._model = model.to(device.torch, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._normalise = Normalise(header.mean, header.std, device.torch)
        self._transfer = Transfer(device)
        self._queued = 2 if device.is_cuda else 1  # batches that a GPU has besides the one that is collected

    def score(self, batch: NDArray[np.uint8]) -> Scores:
        """Score uint8 pixels [batch, size, size, 3] made by `ModelInput.pixels`."""
        return self._collect(self._launch(batch))

    def stream(self, batches: Iterable[NDArray[np.uint8] | torch.Tensor]) -> Iterator[Scores]:
        """Score batch after batch, in order. A GPU works on the next ones while the caller gets the results of one."""
        pending: deque[_Launched] = deque()
        for batch in batches:
            pending.append(self._launch(batch))
            if len(pending) > self._queued:
                yield self._collect(pending.popleft())
        while pending:
            yield self._collect(pending.popleft())

    def memory(self, *shape: int) -> Memory:
        """Memory uint8 that `stream` takes batches from without a further copy; write to it through `.numpy()`."""
        return memory(shape, torch.uint8, self.device)

    @torch.inference_mode()
    def _launch(self, batch: NDArray[np.uint8] | torch.Tensor) -> "_Launched":
        pixels = batch if isinstance(batch, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(batch))
        (images,) = self._transfer.send(pixels.pin_memory() if self.device.is_cuda else pixels).arrived()
        with self.device.autocast():
            logits = self._model(self._normalise(to_float(images)))[:, : len(self.header.classes)]
        features = self._head_input.pop()
        embeddings = features.mean((2, 3)) if features.ndim == 4 else features.flatten(1)
        logits, embeddings = logits.float(), embeddings.float()
        if not self.device.is_cuda:
            return _Launched(logits, embeddings, None)
        # Sent back before the next batch is queued: what is asked for later would wait for that batch too.
        logits, embeddings = (tensor.to("cpu", non_blocking=True) for tensor in (logits, embeddings))  # pinned memory
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record(torch.cuda.current_stream(self.device.torch))
        return _Launched(logits, embeddings, done)

    def _collect(self, launched: "_Launched") -> Scores:
        if launched.done is not None:
            launched.done.synchronize()
        return Scores(launched.logits.numpy(), launched.embeddings.numpy())

    def _remember(self, _layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        self._head_input[:] = [inputs[0]]


def _rounded(model: nn.Module, device: devices.Device) -> nn.Module:
    """Give the layers that autocast runs in half precision such weights, as it would at every batch anew."""
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(device.precision)
    for layer in model.modules():
        if device.is_cuda and half and isinstance(layer, nn.Conv2d | nn.Linear):
            layer.to(half)
    return model
