"""The precision and the coverage to expect above a confidence threshold, with a confidence interval.

This is the risk-coverage curve of selective classification (El-Yaniv & Wiener, 2010). It is stored as counts, without
smoothing, so that the interval (Wilson, 1927) has the right number of images.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.floating]

MAX_POINTS = 1000
Z_95 = 1.959963984540054


class Expected(NamedTuple):
    """The images above a threshold: their precision with its 95 % interval, and their share of all images."""

    precision: float
    low: float
    high: float
    coverage: float


@dataclass(frozen=True)
class Curve:
    """Cumulative sums over images sorted by confidence, from the highest to the lowest.

    - thresholds: confidences, falling
    - counts: number of images at or above each threshold
    - right: how many of them are right
    - squares: sum of the squared values of `right`

    Where labels may be wrong, one image can count less than 0 or more than 1 (see `calibration_noise.corrected`).
    """

    thresholds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    right: tuple[float, ...] = ()
    squares: tuple[float, ...] = ()

    @property
    def total(self) -> int:
        """The number of images that the curve was measured on."""
        return self.counts[-1] if self.counts else 0

    def expected(self, min_conf: float) -> Expected:
        """Return precision, interval and coverage at or above `min_conf`; NaN and coverage 0 when no image is above."""
        inside = int(np.searchsorted(-np.asarray(self.thresholds), -min_conf, side="right"))
        if not inside:
            return Expected(math.nan, math.nan, math.nan, 0.0)
        count, right, squares = (column[inside - 1] for column in (self.counts, self.right, self.squares))
        return Expected(_share(right / count), *interval(right, squares, int(count)), count / self.total)

    def threshold_for(self, precision: float, *, at_least: int = 10) -> float:
        """Return the lowest threshold with at least this precision; NaN when there is none.

        The lowest threshold has the most coverage. A threshold with fewer than `at_least` images above it is skipped,
        because so few images prove nothing.
        """
        rates = np.asarray(self.right) / np.maximum(np.asarray(self.counts), 1)
        reached = np.flatnonzero((rates >= precision - 1e-12) & (np.asarray(self.counts) >= min(at_least, self.total)))
        return float(self.thresholds[reached[-1]]) if len(reached) else math.nan


def curve(confidence: Reals, right: Reals, max_points: int = MAX_POINTS) -> Curve:
    """Build the curve from confidences [n] and `right` [n]: 0 or 1, or the values of `calibration_noise.corrected`.

    At most `max_points` thresholds are kept.
    """
    order = np.argsort(-np.asarray(confidence, dtype=np.float64), kind="stable")
    sure = np.asarray(confidence, dtype=np.float64)[order]
    values = np.asarray(right, dtype=np.float64)[order]
    ends = np.flatnonzero(np.append(sure[1:] != sure[:-1], True)) if len(sure) else np.array([], dtype=int)
    if len(ends) > max_points:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, max_points).round().astype(int))]
    sums, squares = np.cumsum(values)[ends], np.cumsum(values**2)[ends]
    return Curve(
        tuple(float(value) for value in sure[ends]),
        tuple(int(end) + 1 for end in ends),
        tuple(round(float(value), 6) for value in sums),
        tuple(round(float(value), 6) for value in squares),
    )


def interval(right: float, squares: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a mean: that of Wilson, made wider where labels may be wrong."""
    rate = right / count
    low, high = wilson(_share(rate) * count, count)
    spread = Z_95 * math.sqrt(max(squares / count - rate * rate, 0.0) / count)
    doubtful = not math.isclose(right, squares, abs_tol=1e-3)
    return (min(low, _share(rate - spread)), max(high, _share(rate + spread))) if doubtful else (low, high)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def wilson(right: float, count: float, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson interval (1927) of the proportion right / count; `right` may be a sum of probabilities.

    The result is (NaN, NaN) when `count` is 0.
    """
    if not count:
        return math.nan, math.nan
    rate = right / count
    middle = rate + z * z / (2 * count)
    spread = z * math.sqrt(max(rate * (1 - rate), 0.0) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max((middle - spread) / scale, 0.0), min((middle + spread) / scale, 1.0)
