"""Turn uint8 pixels into what a network takes, on the device: floats in 0..1, then normalised channels."""

from collections.abc import Sequence

import torch


def to_float(images: torch.Tensor) -> torch.Tensor:
    """uint8 [batch, size, size, 3] -> float32 [batch, 3, size, size] in 0..1, in channels-last order as it was."""
    return images.permute(0, 3, 1, 2).float().mul_(1 / 255)


class Normalise:
    """Subtracts the mean of each channel and divides by its standard deviation, in one pass over the memory."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], device: torch.device) -> None:
        self._scale, self._shift = (
            torch.tensor(values, device=device).view(1, 3, 1, 1)
            for values in ([1 / one for one in std], [-middle / one for middle, one in zip(mean, std, strict=True)])
        )

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Float [batch, 3, size, size] in 0..1 -> normalised, in the same memory."""
        return torch.addcmul(self._shift, images, self._scale, out=images)
