"""The precision that is shown above a confidence threshold, and the threshold that is shown to have a precision.

The curve is the risk-coverage curve of selective classification (El-Yaniv & Wiener, 2010), stored as counts, without
smoothing. The lower bound of a precision is that of Clopper and Pearson (1934), one-sided at 95 %. A threshold for a
wanted precision is found by fixed-sequence testing (Learn then Test, Angelopoulos et al., 2021), so at most 5 % of the
thresholds that are found have a lower precision than was wanted. Images of one leak group count as fewer images.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from curation.predict.calibration_values import refuse_odd_columns
from curation.predict.proportions import ALPHA, effective_size, lower_bound, needed, p_values

Reals = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]

FEWEST = 20  # with fewer images above a threshold no bound is stated: even with none wrong it would be below 0.86
MAX_POINTS = 1000
CLASS_POINTS = 50  # thresholds of the curve of one class


class Expected(NamedTuple):
    """The images above a threshold.

    - precision: the share that is right; NaN when there is no image
    - low: the lower bound of the precision at 95 %; NaN when there are too few images to state one
    - coverage: their share of all images
    - images: their number
    """

    precision: float
    low: float
    coverage: float
    images: int


NOTHING = Expected(math.nan, math.nan, 0.0, 0)


@dataclass(frozen=True)
class Curve:
    """Cumulative counts over val images sorted by confidence, from the highest to the lowest.

    - thresholds: confidences, falling
    - counts: number of images at or above each threshold
    - agree: how many of them are predicted as their label says
    - sizes: as how many separate images they count; less than `counts` where images share a leak group
    - noise: mean probability that one of their labels is wrong; empty where it is not known, and counts as 0
    - classes: number of classes of the model
    - thinned: some thresholds were left out, as there were too many
    """

    thresholds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    agree: tuple[int, ...] = ()
    sizes: tuple[float, ...] = ()
    noise: tuple[float, ...] = ()
    classes: int = 2
    thinned: bool = False

    @property
    def total(self) -> int:
        """The number of images that the curve was measured on."""
        return self.counts[-1] if self.counts else 0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Curve":
        """Read the fields as JSON gives them. ValueError where a column is no list of numbers, or is too short."""
        columns = {key: tuple(values[key]) for key in ("thresholds", "counts", "agree", "sizes", "noise")}
        refuse_odd_columns(columns)
        return cls(**columns, classes=int(values["classes"]), thinned=bool(values.get("thinned", True)))

    def expected(self, min_conf: float) -> Expected:
        """Return precision, its lower bound, and coverage at or above `min_conf`; NaN where there are no images.

        Where the curve is thinned, images between two thresholds may be above or below `min_conf`. Then it is the row
        with the lower bound: those images are the least sure ones, and must not be passed over.
        """
        inside = int(np.searchsorted(-np.asarray(self.thresholds), -min_conf, side="right"))
        if not inside:
            return NOTHING
        found = self._at(inside - 1)
        if not self.thinned or inside == len(self.counts):
            return found
        return min(found, self._at(inside), key=lambda row: (row.low, row.precision))

    def _at(self, place: int) -> Expected:
        count, agree, size = (column[place] for column in (self.counts, self.agree, self.sizes))
        noise = self.noise[place] if self.noise else 0.0
        low = lower_bound(agree / count, size) if size >= FEWEST else math.nan
        rate, low = (without_noise(value, noise, self.classes) for value in (agree / count, low))
        return Expected(rate, low, count / self.total, int(count))

    def threshold_for(self, precision: float) -> float:
        """Return the lowest threshold that is shown at 95 % to have this precision; NaN when there is none.

        The thresholds are tested from the highest to the lowest, each at 5 %, until one fails. The first one tested has
        as many images as a test needs that allows one error; which one it is does not depend on the labels.
        """
        if not self.total:
            return math.nan
        counts, sizes = np.asarray(self.counts, float), np.asarray(self.sizes, float)
        noise = np.asarray(self.noise, float) if self.noise else np.zeros(len(counts))
        wanted = (1 - noise) * precision + noise / max(self.classes - 1, 1) * (1 - precision)
        least = needed(float(wanted.max()), wrong=1)
        least = least if least <= sizes.max() else needed(float(wanted.max()))
        tested = np.flatnonzero(sizes >= least)
        passed = p_values(np.asarray(self.agree) / counts, sizes, wanted)[tested] <= ALPHA
        run = len(passed) if passed.all() else int(passed.argmin())
        return float(self.thresholds[tested[run - 1]]) if run else math.nan

    def why_not(self, precision: float) -> str:
        """Say why `threshold_for` gives no threshold; "" when it gives one."""
        size, least = max(self.sizes, default=0.0), needed(precision)
        if not math.isnan(self.threshold_for(precision)):
            return ""
        if size < least:
            has = f"there are {self.total:,}" + (f", in groups worth {size:.0f}" if size < self.total - 0.5 else "")
            return f"too few val images: {least:,} are needed for a precision of {precision:g}, and {has}"
        return f"no confidence threshold is shown to have a precision of {precision:g} on the {self.total:,} val images"


def curve(
    confidence: Reals,
    agrees: Flags,
    groups: Codes | None = None,
    noise: Reals | None = None,
    classes: int = 2,
    max_points: int = MAX_POINTS,
) -> Curve:
    """Build the curve from confidences [n] and whether the predictions agree with the labels [n].

    `groups` [n] are leak groups. `noise` [n] is the probability that a label is wrong, where an audit has measured it.
    At most `max_points` thresholds are kept.
    """
    order = np.argsort(-np.asarray(confidence, dtype=np.float64), kind="stable")
    sure = np.asarray(confidence, dtype=np.float64)[order]
    values = np.asarray(agrees, dtype=bool)[order]
    ends = np.flatnonzero(np.append(sure[1:] != sure[:-1], True)) if len(sure) else np.array([], dtype=int)
    thinned = len(ends) > max_points
    if thinned:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, max_points).round().astype(int))]
    doubt = np.zeros(0) if noise is None or not noise.any() else (np.cumsum(noise[order]) / np.arange(1, len(sure) + 1))
    return Curve(
        tuple(float(value) for value in sure[ends]),
        tuple(int(end) + 1 for end in ends),
        tuple(int(value) for value in np.cumsum(values)[ends]),
        _sizes(values, None if groups is None else np.asarray(groups)[order], ends + 1),
        tuple(round(float(value), 9) for value in (doubt[ends] if len(doubt) else doubt)),
        classes,
        thinned,
    )


@dataclass(frozen=True)
class Sample:
    """Which images the precision is measured on.

    - groups: [n] leak groups; None when every image is a group by itself
    - counted: [n] True for the images that count; None when all do
    """

    groups: Codes | None = None
    counted: Flags | None = None


ALL = Sample()


@dataclass(frozen=True)
class Measured:
    """What the curves of precision count: held-out confidences, agreement, predicted class, noise and leak groups."""

    confidence: Reals
    agrees: Flags
    predicted: npt.NDArray[np.intp]
    noise: Reals
    groups: Codes | None

    def part(self, chosen: Flags) -> "Measured":
        """Return some of the rows."""
        groups = None if self.groups is None else self.groups[chosen]
        return Measured(
            self.confidence[chosen], self.agrees[chosen], self.predicted[chosen], self.noise[chosen], groups
        )

    def curve(self, classes: int, points: int) -> Curve:
        """Return the curve of all rows, with at most `points` thresholds."""
        return curve(self.confidence.astype(np.float32), self.agrees, self.groups, self.noise, classes, points)

    def curves(self, names: Sequence[str]) -> tuple[Curve, dict[str, Curve]]:
        """Return the curve of all images, and that of each class that is predicted at least once."""
        own = {names[code]: self.part(self.predicted == code) for code in np.unique(self.predicted)}
        each = {name: part.curve(len(names), CLASS_POINTS) for name, part in own.items()}
        return self.curve(len(names), MAX_POINTS), each


def _sizes(values: Flags, groups: Codes | None, counts: npt.NDArray[np.intp]) -> tuple[float, ...]:
    """As how many separate images the first `counts` images count."""
    if groups is None or len(np.unique(groups)) == len(groups):
        return tuple(float(count) for count in counts)
    numbers = values.astype(np.float64)
    return tuple(round(effective_size(numbers[:count], groups[:count]), 3) for count in counts)


def without_noise(rate: float, noise: float, classes: int) -> float:
    """Return the share of right predictions when `rate` of them agree with labels of which `noise` are wrong.

    A wrong label is any other class with equal probability (Natarajan et al., 2013). The result is within 0 and 1.
    """
    chance = noise / max(classes - 1, 1)
    return min(max((rate - chance) / max(1 - noise - chance, 1e-6), 0.0), 1.0) if rate == rate else rate  # noqa: PLR0124
