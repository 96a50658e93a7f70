"""What stays unexplained between two pictures on one grid.

The residual of a pixel is how far it lies outside the range of the other picture's 3 x 3 neighbourhood, in the worst of
Y, Cb and Cr, either way. So a shift of a pixel costs nothing, and a new thing does. It is compared with the noise of
the pair, the residual that three quarters of the pixels stay below.

Texture hides what is broad and faint, such as a shadow on a lung, from that measure. So the same is asked of the
pictures at a half, a quarter and an eighth of the size, where texture and noise have gone, with much lower limits.
"""

from typing import NamedTuple

import cv2
import numpy as np

from curation.dedupe.verification.compared_picture import YCC, Reals
from curation.dedupe.verification.light import Explained
from curation.dedupe.verification.overlap import Mask, Overlap

AROUND = np.ones((3, 3), np.uint8)
LOW, HIGH = (6.0, 3.0, 3.0), (14.0, 5.0, 6.0)  # a residual stands out above max(first, second x noise + third)
BROAD = (1.2, 0.8, 0.5)  # at a half, a quarter and an eighth of the size, a residual stands out above this, in grey
BROAD_NOISE = 3.5  # levels, and this multiple of the difference that three quarters of the picture stay below
SHIFTED = 0.15  # share of the range of 3 x 3 pixels by which their mean may differ
CLIPPED = (5, 246)  # what is clipped in one of the two can't be compared: it counts a third


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


class Ranged(NamedTuple):
    """One colour of a picture, and the least and the most in the 3 x 3 pixels around each of its pixels."""

    values: Reals
    low: Reals
    high: Reals


def residual(pair: Overlap, light: Explained, *, spare_clipped: bool) -> Residual:
    """Measure what the light leaves unexplained."""
    left, right = _planes(light.predicted), _planes(light.actual)
    found: Reals = np.asarray(
        cv2.blur(_largest_apart([_ranged(one) for one in left], [_ranged(one) for one in right]), (3, 3))
    )
    found *= pair.both.astype(np.float32) / np.float32(light.contrast)
    if spare_clipped:
        found[(_clipped(pair.one) | _clipped(pair.other)) & pair.both] /= 3
    if pair.blind is not None:
        found[pair.blind] /= 3
    noise = float(upper_quarter(found[::2, ::2][pair.both[::2, ::2]]))
    unexplained = found > _limit(LOW, noise)
    area = largest_area(unexplained)
    strong = largest_area(found > _limit(HIGH, noise)) if area else 0
    return Residual(
        noise, float(found.max()), area, strong, unexplained, *_broad(left, right, pair.both, light.contrast)
    )


def upper_quarter(values: Reals) -> float:
    """What three quarters of the values stay below, as np.quantile has it: between two of them."""
    place, share = divmod(3 * (len(values) - 1), 4)
    next_one = min(place + 1, len(values) - 1)
    below, above = np.partition(values, (place, next_one))[[place, next_one]]
    return float(below + (above - below) * share / 4)


def _planes(pixels: Reals) -> list[Reals]:
    """Y, Cb and Cr, each float32 [h, w]. Colours that lie side by side cost three times as much."""
    soft = cv2.GaussianBlur(pixels, (0, 0), 0.7)
    return [np.asarray(cv2.transform(soft, row[None])) for row in YCC]


def _ranged(values: Reals) -> Ranged:
    return Ranged(values, np.asarray(cv2.erode(values, AROUND)), np.asarray(cv2.dilate(values, AROUND)))


def _largest_apart(left: list[Ranged], right: list[Ranged]) -> Reals:
    """How far either picture lies outside the other's range, in the worst colour."""
    apart = [_apart(one, other) for one, other in zip(left, right, strict=True)]
    return np.asarray(cv2.max(cv2.max(apart[0], apart[1]), apart[2]))


def _apart(one: Ranged, other: Ranged) -> Reals:
    """How far either lies outside the range of the other's neighbourhood, no less than 0."""
    apart: Reals = np.asarray(cv2.subtract(other.low, one.values))
    cv2.max(apart, cv2.subtract(one.values, other.high), dst=apart)
    cv2.max(apart, cv2.subtract(one.low, other.values), dst=apart)
    cv2.max(apart, cv2.subtract(other.values, one.high), dst=apart)
    return np.asarray(np.maximum(apart, np.float32(0), out=apart))


def _broad(left: list[Reals], right: list[Reals], both: Mask, contrast: float) -> tuple[float, float]:
    """The largest residual at the smaller sizes as a multiple of its limit, and the noise of grey at the smallest."""
    inside: Reals = both.astype(np.float32)
    largest, grey_noise = 0.0, 0.0
    for base in BROAD:
        inside, *planes = (halved(one) for one in (inside, *left, *right))
        left, right = planes[:3], planes[3:]
        shown = np.asarray(inside > 0.999)
        whole = cv2.erode(np.pad(shown.astype(np.uint8), 1), AROUND)[1:-1, 1:-1]
        if not whole.any():
            break
        noises = []
        for one, other in zip(left, right, strict=True):
            ours, theirs = _ranged(one), _ranged(other)
            apart = cv2.max(cv2.blur(_apart(ours, theirs), (3, 3)), _lasting(ours, theirs))
            seen = cv2.absdiff(one, other)[whole > 0]
            noises.append(float(np.partition(seen, len(seen) * 3 // 4)[len(seen) * 3 // 4]) / contrast)
            peak = cv2.minMaxLoc(apart, whole)[1] / contrast
            largest = max(largest, peak / (base + BROAD_NOISE * noises[-1]))
        grey_noise = noises[0]
    return largest, grey_noise


def halved(values: Reals) -> Reals:
    """The means of 2 x 2 pixels; an odd row or column counts twice. OpenCV is slow where a side is odd."""
    high, wide = values.shape
    if high % 2 or wide % 2:
        values = np.asarray(cv2.copyMakeBorder(values, 0, high % 2, 0, wide % 2, cv2.BORDER_REPLICATE))
    size = (values.shape[1] // 2, values.shape[0] // 2)
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA))


def _lasting(one: Ranged, other: Ranged) -> Reals:
    """How far the means of 3 x 3 pixels differ, less a share of the range there, which a shift may explain."""
    ranges = cv2.add(cv2.subtract(one.high, one.low), cv2.subtract(other.high, other.low))
    spared = cv2.blur(ranges, (3, 3)) * np.float32(SHIFTED / 2)
    return np.asarray(cv2.subtract(cv2.absdiff(cv2.blur(one.values, (3, 3)), cv2.blur(other.values, (3, 3))), spared))


def _limit(level: tuple[float, float, float], noise: float) -> float:
    return max(level[0], level[1] * noise + level[2])


def _clipped(pixels: Reals) -> Mask:
    return np.asarray(cv2.inRange(pixels, (CLIPPED[0],) * 3, (CLIPPED[1],) * 3) == 0)


def largest_area(mask: Mask) -> int:
    """The pixels of the largest connected part of a mask."""
    left, top, wide, high = cv2.boundingRect(mask.astype(np.uint8))
    if not wide:
        return 0
    part = mask[top : top + high, left : left + wide].astype(np.uint8)
    _, _, facts, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    return int(facts[1:, cv2.CC_STAT_AREA].max())
