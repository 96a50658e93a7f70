"""Augmentation of whole batches on the device, with random changes for each image.

Flip, rotation and zoom are one affine map and one interpolation, as in Kornia and DALI, instead of one Python call for
each image. The random numbers are made on the CPU from (seed, epoch, batch), for the whole batch. So they do not depend
on the device, on a resume, or on how many processes share a batch. Mixup is that of Zhang et al. 2018, CutMix
that of Yun et al. 2019 (one box a batch), random erasing that of Zhong et al. 2020. `trivial` changes each image in one
of nine ways, as TrivialAugment (Müller and Hutter 2021) does, without its changes of single grey levels.
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
    cut: Tensor  # [4] the box that shows the other image, as fractions; empty where the whole images are mixed

    def part(self, start: int, stop: int) -> "Draws":
        """The changes of some images of the batch.

        A partner may lie outside the part, so it is taken modulo the size of the part.
        """
        size = max(stop - start, 1)
        one = slice(start, stop)
        return Draws(self.affine[one], self.colour[one], self.box[one], self.mix, self.partner[one] % size, self.cut)


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
    # These numbers have a generator of their own, so that an option that is off leaves the others as they were.
    more = torch.Generator().manual_seed(hash_seed(*seed) ^ 1)
    wide, high = _stretched(scale, config.stretch, more)
    cos, sin = torch.cos(angle), torch.sin(angle)
    # A zoomed-in crop is shifted within the picture; a zoomed-out picture stays in the middle.
    x, y = uniform(-1, 1) * (1 - wide).clamp(min=0), uniform(-1, 1) * (1 - high).clamp(min=0)
    rows = [torch.stack([cos * wide * flip, -(sin * high), x], 1), torch.stack([sin * wide * flip, cos * high, y], 1)]
    affine = torch.stack(rows, 1)
    colour = 1 + (torch.rand(count, 3, generator=source) * 2 - 1) * config.jitter
    box = _boxes(count, config.erase, source)
    mix, partner = _beta(config.mixup, source), torch.randperm(count, generator=source)
    if config.trivial:
        affine, colour = _trivial(affine, colour, more)
    cut = torch.zeros(4)
    if config.cutmix and (not config.mixup or torch.rand(1, generator=more) < 0.5):
        mix = _beta(config.cutmix, more)
        cut = _cut(mix, more)
    return Draws(affine, colour, box, mix, partner, cut)


def apply(images: Tensor, draws: Draws, config: Augment) -> Tensor:
    """Apply `draws` to float images [batch, 3, size, size] in 0..1; shape, device and memory order stay."""
    affine = draws.affine.to(images.device, non_blocking=True)
    if config.flip or config.rotate or config.zoom_in or config.zoom_out or config.stretch or config.trivial:
        grid = _sampling_grid(affine, images.shape[-1])
        images = functional.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        if images.is_cuda:  # there its result is not in channels-last order, which the convolutions want
            images = images.contiguous(memory_format=torch.channels_last)
    if config.jitter or config.trivial:
        images = _recolour(images, draws.colour.to(images.device, non_blocking=True))
    if config.erase:
        images = _erase(images, draws.box.to(images.device, non_blocking=True))
    if config.mixup or config.cutmix:
        others = images[draws.partner.to(images.device, non_blocking=True)]
        images = blend(images, others, draws.mix, draws.cut.to(images.device, non_blocking=True))
    return images


def blend(images: Tensor, others: Tensor, mix: float | Tensor, cut: Tensor) -> Tensor:
    """Mix images with others by `mix`, or show the others in the box `cut` [4] where that is not empty."""
    inside = _inside(cut.view(1, 4), images.shape[-1])
    weight = torch.where((cut[2] > cut[0]).view(1, 1, 1, 1), inside.to(images.dtype), mix)
    return torch.lerp(images, others, weight)


def hash_seed(seed: int, epoch: int, batch: int) -> int:
    """One 63-bit seed from three numbers (SplitMix64's finaliser over their mix)."""
    value = (seed * 0x9E3779B97F4A7C15 + epoch * 0xBF58476D1CE4E5B9 + batch * 0x94D049BB133111EB) & (2**64 - 1)
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
    return (value ^ (value >> 31)) >> 1


def _stretched(scale: Tensor, stretch: float, source: torch.Generator) -> tuple[Tensor, Tensor]:
    """Width and height of the part that is seen: its ratio is up to 1 + stretch, and it stays within the picture."""
    if not stretch:
        return scale, scale
    ratio = torch.exp((torch.rand(len(scale), generator=source) * 2 - 1) * (math.log(1 + stretch) / 2))
    most = scale.clamp(min=1)
    return torch.minimum(scale * ratio, most), torch.minimum(scale / ratio, most)


def _trivial(affine: Tensor, colour: Tensor, source: torch.Generator) -> tuple[Tensor, Tensor]:
    """Change each image in one way by a random strength: shear, shift, turn, brightness, contrast, colour; or not."""
    kind = torch.randint(9, (len(affine),), generator=source)
    strength = torch.rand(len(affine), generator=source) * 2 - 1
    shear_x, shear_y, shift_x, shift_y, turn = (torch.where(kind == k, strength, 0.0) for k in range(1, 6))
    angle = turn * math.radians(30)
    one = torch.cos(angle)
    top = torch.stack([one, 0.3 * shear_x - torch.sin(angle), 0.6 * shift_x], 1)
    low = torch.stack([0.3 * shear_y + torch.sin(angle), one, 0.6 * shift_y], 1)
    linear = affine[:, :, :2]
    change = torch.stack([top, low], 1)
    moved = torch.cat([linear @ change[:, :, :2], linear @ change[:, :, 2:] + affine[:, :, 2:]], 2)
    factors = 1 + torch.stack([torch.where(kind == k, strength, 0.0) for k in range(6, 9)], 1) * 0.9
    return moved, colour * factors


def _beta(alpha: float, source: torch.Generator) -> float:
    if not alpha:
        return 0.0
    first, second = (torch._standard_gamma(torch.tensor(alpha), generator=source) for _ in range(2))
    return float(first / (first + second))


def _cut(share: float, source: torch.Generator) -> Tensor:
    """A square of that share of the area, somewhere in the picture."""
    side = math.sqrt(share)
    corner = torch.rand(2, generator=source) * (1 - side)
    return torch.cat([corner, corner + side])


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
    return torch.where(_inside(box, images.shape[-1]), images.mean((2, 3), keepdim=True), images)


def _inside(box: Tensor, size: int) -> Tensor:
    """Which pixels of pictures of that size lie in boxes [batch, 4]: bool [batch, 1, size, size]."""
    steps = (torch.arange(size, device=box.device) + 0.5) / size
    top, left, bottom, right = (edge.view(-1, 1) for edge in box.unbind(1))
    rows, columns = (steps >= top) & (steps < bottom), (steps >= left) & (steps < right)
    return rows[:, None, :, None] & columns[:, None, None, :]
