"""What stays unexplained between two pictures on one grid, and how much of the grid has something to compare.

The residual of a pixel is how far it lies outside the range of the other picture's 3 x 3 neighbourhood, in the worst of
Y, Cb and Cr, either way. So a shift of a pixel costs nothing, and a new thing does. It is compared with the noise of
the pair, the residual that three quarters of the pixels stay below.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.dedupe.verification.compared_picture import Reals
from curation.dedupe.verification.light import Explained
from curation.dedupe.verification.overlap import Mask, Overlap, luma
from curation.dedupe.verification.registration import CELLS

YCC = np.array([[0.114, 0.587, 0.299], [0.5, -0.331, -0.169], [-0.081, -0.419, 0.5]], np.float32)
AROUND = np.ones((3, 3), np.uint8)
LOW, HIGH = (6.0, 3.0, 3.0), (14.0, 5.0, 6.0)  # a residual stands out above max(first, second x noise + third)
CLIPPED = (5, 246)  # what is clipped in one of the two can't be compared: it counts a third
WINDOW = (13, 13)  # pixels of the local correlation
STEPS = ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))  # shifts that the local correlation allows
STRUCTURED, STRONG = (
    40.0,
    150.0,
)  # variance above the noise from which there is structure to compare, or strong structure
UNLIKE = 0.5  # local correlation below which structure does not agree


class Residual(NamedTuple):
    """noise: residual of three quarters of the pixels; peak; largest areas in pixels that stand out; unexplained."""

    noise: float
    peak: float
    area: int
    strong_area: int
    unexplained: Mask

    @property
    def prominence(self) -> float:
        """The peak as a multiple of what stands out."""
        return self.peak / (LOW[1] * self.noise + LOW[2])


class Structure(NamedTuple):
    """Where both pictures have structure, share of the grid; mean local correlation there; strong areas that disagree.

    cells: of the 6 x 6 cells of the grid, how many have structure that agrees.
    """

    share: float
    correlation: float
    unlike_area: int
    cells: int


def residual(pair: Overlap, light: Explained, *, spare_clipped: bool) -> Residual:
    """Measure what the light leaves unexplained."""
    left = cv2.transform(cv2.GaussianBlur(light.predicted, (0, 0), 0.7), YCC)
    right = cv2.transform(cv2.GaussianBlur(light.actual, (0, 0), 0.7), YCC)
    apart = np.maximum(_outside(left, right), _outside(right, left)).max(-1)
    found = cv2.blur(apart, (3, 3)) / np.float32(light.contrast)
    found[~pair.both] = 0
    if spare_clipped:
        found[(_clipped(pair.one) | _clipped(pair.other)) & pair.both] /= 3
    noise = float(np.quantile(found[::2, ::2][pair.both[::2, ::2]], 0.75))
    unexplained, area = _largest(found > _limit(LOW, noise))
    return Residual(noise, float(found.max()), area, _largest(found > _limit(HIGH, noise))[1], unexplained)


def _limit(level: tuple[float, float, float], noise: float) -> float:
    return max(level[0], level[1] * noise + level[2])


def _outside(values: Reals, around: Reals) -> Reals:
    low, high = cv2.erode(around, AROUND), cv2.dilate(around, AROUND)
    return np.asarray(np.maximum(np.maximum(low - values, values - high), 0))


def _clipped(pixels: Reals) -> Mask:
    return np.asarray((pixels.max(-1) > CLIPPED[1]) | (pixels.min(-1) < CLIPPED[0]))


def _largest(mask: Mask) -> tuple[Mask, int]:
    """The mask itself, and the pixels of its largest connected part."""
    count, _, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return mask, int(facts[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0


def structure(pair: Overlap, light: Explained) -> Structure:
    """Compare the details, whatever the light: local correlation, at the best shift of a pixel."""
    one = cv2.GaussianBlur(luma(light.predicted), (0, 0), 0.8) / np.float32(light.contrast)
    other = cv2.GaussianBlur(luma(light.actual), (0, 0), 0.8) / np.float32(light.contrast)
    middle, spread = _moments(one)
    best = np.full(one.shape, -1, np.float32)
    for step in STEPS:
        moved = np.roll(other, step, (0, 1))
        level, width = _moments(moved)
        shared = cv2.blur(one * moved, WINDOW) - middle * level
        best = np.maximum(best, shared / np.sqrt(np.maximum(spread, 1) * np.maximum(width, 1)))
    _, width = _moments(other)
    inside = cv2.erode(pair.both.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    clear = np.maximum(spread - 6 * _noise(one) ** 2, width - 6 * _noise(other) ** 2)
    structured = inside & (clear > STRUCTURED)
    if not structured.any():
        return Structure(0.0, 1.0, 0, 0)
    unlike = inside & (clear > STRONG) & (best < UNLIKE)
    area = _largest(np.asarray(cv2.erode(unlike.astype(np.uint8), AROUND) > 0))[1]
    share = float(structured.sum() / max(int(inside.sum()), 1))
    return Structure(share, float(best[structured].mean()), area, _agreeing_cells(structured, best))


def _moments(grey: Reals) -> tuple[Reals, Reals]:
    middle = cv2.blur(grey, WINDOW)
    return middle, cv2.blur(grey * grey, WINDOW) - middle * middle


def _noise(grey: Reals) -> float:
    """Noise in grey levels (Immerkaer 1996, with the median, so that texture counts little)."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(np.median(np.abs(cv2.filter2D(grey, -1, kernel))[::2, ::2])) / 4.05


def _agreeing_cells(structured: Mask, best: Reals) -> int:
    """Cells of the grid where a fifth has structure, and that agrees."""
    high, wide = structured.shape
    down, across = np.arange(high) * CELLS // high, np.arange(wide) * CELLS // wide
    cell: NDArray[np.intp] = (down[:, None] * CELLS + across[None]).ravel()
    sizes = np.bincount(cell, minlength=CELLS**2)
    filled = np.bincount(cell, structured.ravel(), CELLS**2)
    total = np.bincount(cell, (best * structured).ravel(), CELLS**2)
    return int(((filled > 0.2 * sizes) & (total > 0.8 * filled)).sum())
