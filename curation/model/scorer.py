"""Score images with a checkpoint: logits and embeddings in one pass.

The embedding is the input of the head. Where the head is a convolution (SqueezeNet), it is the mean over all positions.
So a backbone, which has no head yet, gives embeddings too, and no logits.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from curation.model import device as devices
from curation.model.backbone import PROBE_CLASSES, head_of
from curation.model.checkpoint import restore
from curation.model.header import Header
from curation.model.normalise import Normalise, to_float

Reals = NDArray[np.float32]


@dataclass(frozen=True)
class Scores:
    """Logits and embeddings of a batch."""

    logits: Reals  # [batch, classes]; no column for a backbone
    embeddings: Reals  # [batch, features]


class Scorer:
    """A checkpoint ready to score. Up to rounding, a score does not depend on the other images of the batch."""

    def __init__(self, checkpoint: Path, device: str = "auto", precision: str = "auto") -> None:
        """Load a checkpoint, with or without a head. Raises CheckpointError when it can't be read."""
        self._take(*restore(checkpoint), devices.choose(device, precision))

    @classmethod
    def of(cls, header: Header, model: nn.Module, device: devices.Device) -> "Scorer":
        """Score with a model in memory, such as one that was trained a moment ago. It is put in evaluation mode."""
        one = cls.__new__(cls)
        one._take(header, model.eval(), device)
        return one

    def _take(self, header: Header, model: nn.Module, device: devices.Device) -> None:
        self.header, self.device = header, device
        self._head_input: list[torch.Tensor] = []
        head_of(model, len(header.classes) or PROBE_CLASSES).register_forward_pre_hook(self._remember)
        self._model = model.to(device.torch, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._normalise = Normalise(header.mean, header.std, device.torch)

    def score(self, batch: NDArray[np.uint8]) -> Scores:
        """Score uint8 pixels [batch, size, size, 3] made by `ModelInput.pixels`."""
        return self._collect(self._launch(batch))

    def stream(self, batches: Iterable[NDArray[np.uint8]]) -> Iterator[Scores]:
        """Score batch after batch. A GPU works on the next batch while the results of the last one are copied back."""
        pending: tuple[torch.Tensor, torch.Tensor] | None = None
        for batch in batches:
            launched = self._launch(batch)
            if pending:
                yield self._collect(pending)
            pending = launched
        if pending:
            yield self._collect(pending)

    @torch.inference_mode()
    def _launch(self, batch: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
        images = torch.from_numpy(np.ascontiguousarray(batch))
        if self.device.is_cuda:
            images = images.pin_memory().to(self.device.torch, non_blocking=True)
        with self.device.autocast():
            logits = self._model(self._normalise(to_float(images)))[:, : len(self.header.classes)]
        features = self._head_input.pop()
        embeddings = features.mean((2, 3)) if features.ndim == 4 else features.flatten(1)
        return logits.float(), embeddings.float()

    def _collect(self, launched: tuple[torch.Tensor, torch.Tensor]) -> Scores:
        return Scores(*(tensor.cpu().numpy() for tensor in launched))

    def _remember(self, _layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        self._head_input[:] = [inputs[0]]


def score_stream(checkpoint: Path, batches: Iterable[NDArray[np.uint8]]) -> Iterator[Scores]:
    """Score batches of uint8 pixels [batch, size, size, 3] with a checkpoint, in order."""
    yield from Scorer(checkpoint).stream(batches)
