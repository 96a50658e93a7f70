"""Augmentation of whole batches on the device, with random changes for each image.

Flip, rotation and zoom are one affine map and one interpolation, as in Kornia and DALI, instead of one Python call for
each image. The random numbers are made on the CPU from (seed, epoch, batch), for the whole batch. So they do not depend
on the device, on a resume, or on how many processes share a batch. Mixup is that of Zhang et al. 2018, random erasing
that of Zhong et al. 2020.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from curation.params.blocks import Augment

Tensor = torch.Tensor


@dataclass(frozen=True)
class Draws:
    """The random changes of each image of a batch."""

    affine: Tensor  # [batch, 2, 3] from positions in the output to positions in the input, both from -1 to 1
    colour: Tensor  # [batch, 3]: brightness, contrast, saturation factors
    box: Tensor  # [batch, 4]: top, left, bottom, right of what is erased, as fractions; empty when top = bottom
    mix: float  # share of the other image
    partner: Tensor  # [batch] index of the other image

    def part(self, start: int, stop: int) -> "Draws":
        """The changes of some images of the batch.

        A partner may lie outside the part, so it is taken modulo the size of the part.
        """
        size = max(stop - start, 1)
        one = slice(start, stop)
        return Draws(self.affine[one], self.colour[one], self.box[one], self.mix, self.partner[one] % size)


def draw(config: Augment, small: Tensor, seed: tuple[int, int, int]) -> Draws:
    """Choose the random changes of a batch.

    small: bool [batch], images that are never zoomed out. seed: (seed, epoch, batch).
    """
    source = torch.Generator().manual_seed(hash_seed(*seed))
    count = len(small)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=source) * (high - low) + low

    flip = torch.where(uniform(0, 1) < config.flip, -1.0, 1.0)
    angle = uniform(-config.rotate, config.rotate) * (math.pi / 180)
    # Zoom is uniform on a logarithmic scale. Images marked `small` are never zoomed out.
    nearest, farthest = math.log(1 + config.zoom_in), -math.log(1 + config.zoom_out)
    lowest = torch.where(small, 0.0, farthest)
    scale = torch.exp(-(lowest + uniform(0, 1) * (nearest - lowest)))
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    # A zoomed-in crop is shifted within the picture; a zoomed-out picture stays in the middle.
    room = (1 - scale).clamp(min=0)
    x, y = uniform(-1, 1) * room, uniform(-1, 1) * room
    affine = torch.stack([torch.stack([cos * flip, -sin, x], 1), torch.stack([sin * flip, cos, y], 1)], 1)
    colour = 1 + (torch.rand(count, 3, generator=source) * 2 - 1) * config.jitter
    box = _boxes(count, config.erase, source)
    return Draws(affine, colour, box, _beta(config, source), torch.randperm(count, generator=source))


def apply(images: Tensor, draws: Draws, config: Augment) -> Tensor:
    """Apply `draws` to float images [batch, 3, size, size] in 0..1; shape, device and memory order stay."""
    affine = draws.affine.to(images.device, non_blocking=True)
    if config.flip or config.rotate or config.zoom_in or config.zoom_out:
        grid = _sampling_grid(affine, images.shape[-1])
        images = functional.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        if images.is_cuda:  # there its result is not in channels-last order, which the convolutions want
            images = images.contiguous(memory_format=torch.channels_last)
    if config.jitter:
        images = _recolour(images, draws.colour.to(images.device, non_blocking=True))
    if config.erase:
        images = _erase(images, draws.box.to(images.device, non_blocking=True))
    if config.mixup:
        images = torch.lerp(images, images[draws.partner.to(images.device, non_blocking=True)], draws.mix)
    return images


def hash_seed(seed: int, epoch: int, batch: int) -> int:
    """One 63-bit seed from three numbers (SplitMix64's finaliser over their mix)."""
    value = (seed * 0x9E3779B97F4A7C15 + epoch * 0xBF58476D1CE4E5B9 + batch * 0x94D049BB133111EB) & (2**64 - 1)
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
    return (value ^ (value >> 31)) >> 1


def _beta(config: Augment, source: torch.Generator) -> float:
    if not config.mixup:
        return 0.0
    first, second = (torch._standard_gamma(torch.tensor(config.mixup), generator=source) for _ in range(2))
    return float(first / (first + second))


def _boxes(count: int, chance: float, source: torch.Generator) -> Tensor:
    """Rectangles of 2% to 33% of the area with a ratio of height to width of 0.3 to 3.3, as in the paper."""
    free = torch.rand(count, 5, generator=source)
    area = 0.02 + free[:, 0] * 0.31
    ratio = torch.exp((free[:, 1] * 2 - 1) * math.log(3.3))
    height, width = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    top, left = free[:, 2] * (1 - height), free[:, 3] * (1 - width)
    bottom = torch.where(free[:, 4] < chance, top + height, top)
    return torch.stack([top, left, bottom, left + width], 1)


def _sampling_grid(affine: Tensor, size: int) -> Tensor:
    """Where each pixel comes from: float [batch, size, size, 2], as torch's `affine_grid`, but in two planes of memory.

    On a CPU this takes a hundredth of the time, and the interpolation reads it faster.
    """
    steps = (torch.arange(size, device=affine.device) * 2 + 1) / size - 1
    across = affine[:, :, 0, None] * steps
    down = affine[:, :, 1, None] * steps + affine[:, :, 2, None]
    return (down[:, :, :, None] + across[:, :, None, :]).permute(0, 2, 3, 1)


def _recolour(images: Tensor, factors: Tensor) -> Tensor:
    bright, contrast, saturation = (factor.view(-1, 1, 1, 1) for factor in factors.unbind(1))
    images = images * bright
    images = torch.lerp(images.mean((1, 2, 3), keepdim=True), images, contrast)
    return torch.lerp(images.mean(1, keepdim=True), images, saturation).clamp_(0, 1)


def _erase(images: Tensor, box: Tensor) -> Tensor:
    steps = (torch.arange(images.shape[-1], device=images.device) + 0.5) / images.shape[-1]
    top, left, bottom, right = (edge.view(-1, 1) for edge in box.unbind(1))
    rows, columns = (steps >= top) & (steps < bottom), (steps >= left) & (steps < right)
    inside = rows[:, None, :, None] & columns[:, None, None, :]
    return torch.where(inside, images.mean((2, 3), keepdim=True), images)
