"""What stays unexplained between two pictures on one grid, and how much of the grid has something to compare.

The residual of a pixel is how far it lies outside the range of the other picture's 3 x 3 neighbourhood, in the worst of
Y, Cb and Cr, either way. So a shift of a pixel costs nothing, and a new thing does. It is compared with the noise of
the pair, the residual that three quarters of the pixels stay below.

Texture hides what is broad and faint, such as a shadow on a lung, from that measure. So the same is asked of the
pictures at a half, a quarter and an eighth of the size, where texture and noise have gone, with much lower limits.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.dedupe.verification.compared_picture import YCC, Reals
from curation.dedupe.verification.light import Explained
from curation.dedupe.verification.overlap import Mask, Overlap, luma
from curation.dedupe.verification.registration import CELLS

AROUND = np.ones((3, 3), np.uint8)
LOW, HIGH = (6.0, 3.0, 3.0), (14.0, 5.0, 6.0)  # a residual stands out above max(first, second x noise + third)
BROAD = (1.2, 0.8, 0.5)  # at a half, a quarter and an eighth of the size, a residual stands out above this, in grey
BROAD_NOISE = 3.5  # levels, and this multiple of the difference that three quarters of the picture stay below
SHIFTED = 0.15  # share of the range of 3 x 3 pixels by which their mean may differ
CLIPPED = (5, 246)  # what is clipped in one of the two can't be compared: it counts a third
WINDOW = (13, 13)  # pixels of the local correlation
STEPS = ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))  # shifts that the local correlation allows
STRUCTURED, STRONG = (
    40.0,
    150.0,
)  # variance above the noise from which there is structure to compare, or strong structure
UNLIKE = 0.5  # local correlation below which structure does not agree
FILLED, ALIKE = 0.2, 0.8  # share of a cell that must have structure, and the local correlation from which it agrees
SETTLED = 0.95  # mean local correlation from which no further shift is tried


class Residual(NamedTuple):
    """What is left of a pair.

    - noise: residual of three quarters of the pixels
    - peak: the largest
    - area, strong_area: pixels of the largest area that stands out, at two levels
    - unexplained: the pixels that stand out
    - broad: the largest residual at the smaller sizes, as a multiple of its limit there
    - uneven: grey levels by which three quarters of the picture differ at the smallest size
    """

    noise: float
    peak: float
    area: int
    strong_area: int
    unexplained: Mask
    broad: float
    uneven: float

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
    apart = largest_of_colours(cv2.max(_outside(left, right), _outside(right, left)))
    found = cv2.blur(apart, (3, 3)) / np.float32(light.contrast)
    found[~pair.both] = 0
    if spare_clipped:
        found[(_clipped(pair.one) | _clipped(pair.other)) & pair.both] /= 3
    noise = float(np.quantile(found[::2, ::2][pair.both[::2, ::2]], 0.75))
    unexplained, area = _largest(found > _limit(LOW, noise))
    strong = _largest(found > _limit(HIGH, noise))[1]
    return Residual(
        noise, float(found.max()), area, strong, unexplained, *_broad(left, right, pair.both, light.contrast)
    )


def _broad(left: Reals, right: Reals, both: Mask, contrast: float) -> tuple[float, float]:
    """The largest residual at the smaller sizes as a multiple of its limit, and the noise of grey at the smallest."""
    inside: Reals = both.astype(np.float32)
    largest, noise = 0.0, np.zeros(3)
    for base in BROAD:
        size = (max(4, (both.shape[1] + 1) // 2), max(4, (both.shape[0] + 1) // 2))
        left, right, inside = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (left, right, inside))
        both = np.asarray(inside > 0.999)
        whole = cv2.erode(np.pad(both.astype(np.uint8), 1), AROUND)[1:-1, 1:-1]
        if not whole.any():
            break
        apart = cv2.max(cv2.blur(cv2.max(_outside(left, right), _outside(right, left)), (3, 3)), _lasting(left, right))
        seen = np.abs(left - right)[whole > 0] / contrast
        noise = np.partition(seen, len(seen) * 3 // 4, 0)[len(seen) * 3 // 4]
        peaks = [cv2.minMaxLoc(one, whole)[1] / contrast for one in cv2.split(apart)]
        largest = max(largest, float((peaks / (base + BROAD_NOISE * noise)).max()))
    return largest, float(noise[0])


def _lasting(left: Reals, right: Reals) -> Reals:
    """How far the means of 3 x 3 pixels differ, less a share of the range there, which a shift may explain."""
    ranges = [cv2.dilate(one, AROUND) - cv2.erode(one, AROUND) for one in (left, right)]
    spared = np.float32(SHIFTED / 2) * cv2.blur(ranges[0] + ranges[1], (3, 3))
    return np.asarray(np.abs(cv2.blur(left - right, (3, 3))) - spared)


def _limit(level: tuple[float, float, float], noise: float) -> float:
    return max(level[0], level[1] * noise + level[2])


def _outside(values: Reals, around: Reals) -> Reals:
    """How far values lie outside the range of a neighbourhood, no less than 0."""
    below, above = cv2.erode(around, AROUND) - values, values - cv2.dilate(around, AROUND)
    return np.maximum(np.maximum(below, above), 0)


def _clipped(pixels: Reals) -> Mask:
    return np.asarray(cv2.inRange(pixels, (CLIPPED[0],) * 3, (CLIPPED[1],) * 3) == 0)


def largest_of_colours(pixels: Reals) -> Reals:
    """The largest of the three values of each pixel, float32 [h, w]."""
    blue, green, red = cv2.split(pixels)
    return np.asarray(cv2.max(cv2.max(blue, green), red))


def _largest(mask: Mask) -> tuple[Mask, int]:
    """The mask itself, and the pixels of its largest connected part."""
    if not mask.any():
        return mask, 0
    count, _, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return mask, int(facts[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0


def structure(pair: Overlap, light: Explained) -> Structure:
    """Compare the details, whatever the light: local correlation, at the best shift of a pixel."""
    one = cv2.GaussianBlur(luma(light.predicted), (0, 0), 0.8) / np.float32(light.contrast)
    other = cv2.GaussianBlur(luma(light.actual), (0, 0), 0.8) / np.float32(light.contrast)
    (middle, spread), (level, width) = _moments(one), _moments(other)
    inside = cv2.erode(pair.both.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    clear = cv2.max(spread - 6 * _noise(one) ** 2, width - 6 * _noise(other) ** 2)
    structured, strong = inside & (clear > STRUCTURED), inside & (clear > STRONG)
    count = cv2.countNonZero(structured.astype(np.uint8))
    if not count:
        return Structure(0.0, 1.0, 0, 0)
    best: Reals = np.full(one.shape, -1, np.float32)
    filled, parts = _cell_sums(structured), _cell_sums(np.ones_like(structured))
    for step in STEPS:
        shared = cv2.blur(one * _moved(other, step), WINDOW) - middle * _moved(level, step)
        best = np.maximum(best, shared / np.sqrt(np.maximum(spread, 1) * np.maximum(_moved(width, step), 1)))
        unlike = cv2.erode((strong & (best < UNLIKE)).astype(np.uint8), AROUND) > 0
        correlation = float(best[structured].mean())
        agreeing = (filled > FILLED * parts) & (_cell_sums(best * structured) > ALIKE * filled)
        if correlation > SETTLED and not unlike.any() and (agreeing == (filled > FILLED * parts)).all():
            break  # no other shift can change what the rule goes by
    share = count / max(cv2.countNonZero(inside.astype(np.uint8)), 1)
    return Structure(share, correlation, _largest(unlike)[1], int(agreeing.sum()))


def _moved(values: Reals, step: tuple[int, int]) -> Reals:
    return np.roll(values, step, (0, 1)) if any(step) else values


def _moments(grey: Reals) -> tuple[Reals, Reals]:
    middle = cv2.blur(grey, WINDOW)
    return middle, cv2.blur(grey * grey, WINDOW) - middle * middle


def _noise(grey: Reals) -> float:
    """Noise in grey levels (Immerkaer 1996, with the median, so that texture counts little)."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(np.median(np.abs(cv2.filter2D(grey, -1, kernel))[::2, ::2])) / 4.05


def _cell_sums(values: NDArray[Any]) -> Reals:
    """Sums over the 6 x 6 cells of the grid, float64 [CELLS, CELLS]."""
    edges = [-(-np.arange(CELLS) * length // CELLS) for length in values.shape]
    return np.asarray(np.add.reduceat(np.add.reduceat(values, edges[0], 0, np.float64), edges[1], 1))
