"""Compare two models on the same images: what became better, what became worse, and whether it can be chance.

Images of one leak group often change together, so chance is told by flipping the sign of whole groups (Fisher's
randomisation test on paired differences). For separate images that is McNemar's exact test (1947). The interval of the
difference is Newcombe's (1998, method 10, for paired proportions), on as many images as the groups are worth.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.evaluation.uncertainty.intervals import Groups
from curation.evaluation.uncertainty.several_tests import holm
from curation.evaluation.uncertainty.sign_flip import two_sided
from curation.predict.proportions import Z_95, effective_size, wilson

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Against:
    """How a new model compares with an old one on the same images."""

    images: int
    better: int  # wrong before, right now
    worse: int  # right before, wrong now
    both_right: int
    both_wrong: int
    worth: float | None = None  # number of separate images that tell as much; None: the images are separate
    flipped: float | None = None  # two-sided p of the sign-flip test over groups; None: the images are separate

    @property
    def difference(self) -> float:
        """New accuracy minus old accuracy; NaN without images."""
        return (self.better - self.worse) / self.images if self.images else math.nan

    @property
    def p_value(self) -> float:
        """Two-sided p of the sign-flip test, which is McNemar's exact one for separate images; 1 if none changed."""
        from scipy.stats import binomtest

        if self.flipped is not None:
            return self.flipped
        changed = self.better + self.worse
        return float(binomtest(self.better, changed, 0.5).pvalue) if changed else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference, after Newcombe."""
        return self.limits(Z_95)

    def limits(self, z: float) -> tuple[float, float]:
        """Both limits of the difference at `z` standard errors: 1.645 for a one-sided 95 %; NaN without images."""
        if not self.images:
            return math.nan, math.nan
        scale = 1.0 if self.worth is None else self.worth / self.images
        return _newcombe((self.both_right, self.better, self.worse, self.both_wrong), scale, z)

    def as_dict(self) -> dict[str, float]:
        """Plain numbers, for tables and JSON."""
        low, high = self.interval
        counts = {"images": self.images, "better": self.better, "worse": self.worse}
        counts["same"] = self.both_right + self.both_wrong
        return {**counts, "difference": self.difference, "low": low, "high": high, "p_value": self.p_value}


def against(new_right: Flags, old_right: Flags, groups: Groups | None = None) -> Against:
    """Compare two models.

    - new_right, old_right: bool [n], where each model is right
    - groups: int [n], the leak group of each image; without it each image is one by itself
    """
    better, worse = new_right & ~old_right, old_right & ~new_right
    both, neither = int((new_right & old_right).sum()), int((~new_right & ~old_right).sum())
    counts = len(new_right), int(better.sum()), int(worse.sum()), both, neither
    if groups is None or not len(new_right):
        return Against(*counts)
    change = better.astype(np.float64) - worse
    return Against(*counts, effective_size(change, groups), two_sided(change, groups))


def by_class(labels: pd.Series, new_right: Flags, old_right: Flags, groups: Groups | None = None) -> pd.DataFrame:
    """One row for each label, the worst change first.

    The columns are both recalls, and those of `Against.as_dict`. `p_value` is corrected for the number of classes, by
    Holm (1979).
    """
    rows = []
    for label, of_label in sorted(labels.reset_index(drop=True).groupby(labels.to_numpy(), sort=True).groups.items()):
        inside = None if groups is None else groups[of_label]
        result = against(new_right[of_label], old_right[of_label], inside)
        recalls = {"old": float(old_right[of_label].mean()), "new": float(new_right[of_label].mean())}
        rows.append({"class": label, **recalls, **result.as_dict()})
    frame = pd.DataFrame(rows, columns=["class", "old", "new", *against(new_right[:0], old_right[:0]).as_dict()])
    frame["p_value"] = holm(frame["p_value"].to_numpy(np.float64))
    return frame.sort_values(["difference", "class"], kind="stable", ignore_index=True)


def _newcombe(counts: tuple[int, int, int, int], scale: float, z: float) -> tuple[float, float]:
    """Newcombe 1998, method 10: Wilson intervals of the two proportions, combined by their correlation."""
    both, better, worse, neither = (scale * count for count in counts)
    total = both + better + worse + neither
    new, old = (both + better) / total, (both + worse) / total
    (new_low, new_high), (old_low, old_high) = (wilson(part * total, total, z) for part in (new, old))
    phi = _correlation(both, better, worse, neither)
    below = (new - new_low) ** 2 - 2 * phi * (new - new_low) * (old_high - old) + (old_high - old) ** 2
    above = (new_high - new) ** 2 - 2 * phi * (new_high - new) * (old - old_low) + (old - old_low) ** 2
    difference = new - old
    return difference - math.sqrt(max(below, 0)), difference + math.sqrt(max(above, 0))


def _correlation(both: float, better: float, worse: float, neither: float) -> float:
    margins = (both + better) * (worse + neither) * (both + worse) * (better + neither)
    if not margins:
        return 0.0
    product, half = both * neither - better * worse, (both + better + worse + neither) / 2
    # Newcombe's continuity correction, applied to a positive association only.
    corrected = max(product - half, 0) if product > 0 else product
    return corrected / math.sqrt(margins)
