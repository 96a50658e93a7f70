"""uint8 pixels to what a network takes, on the device."""

from collections.abc import Sequence

import torch


def to_float(images: torch.Tensor) -> torch.Tensor:
    """uint8 [batch, size, size.

    3] -> float32 [batch, 3, size, size] in 0..1; the memory is in channels-last order already.
    """
    return images.permute(0, 3, 1, 2).float().mul_(1 / 255)


class Normalise:
    """Subtracts the mean and divides by the standard deviation of each channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], device: torch.device) -> None:
        self._mean, self._scale = (
            torch.tensor(value, device=device).view(1, 3, 1, 1) for value in (mean, [1 / one for one in std])
        )

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Float [batch, 3, size, size] in 0..1 -> normalised, in the same memory where that is ours to change."""
        return images.sub_(self._mean).mul_(self._scale)
