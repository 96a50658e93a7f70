"""Compare two models on the same images: what became better, what became worse, and whether it can be chance.

McNemar's test (1947) uses only the images that one model has right and the other has wrong. Its exact form is a
two-sided binomial test on them. The interval of the difference is Newcombe's (1998, method 10, for paired proportions),
which holds for few images and near 0 and 1.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.predict.thresholds import wilson

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Against:
    """How a new model compares with an old one on the same images."""

    images: int
    better: int  # wrong before, right now
    worse: int  # right before, wrong now
    both_right: int
    both_wrong: int

    @property
    def difference(self) -> float:
        """New accuracy minus old accuracy; NaN without images."""
        return (self.better - self.worse) / self.images if self.images else math.nan

    @property
    def p_value(self) -> float:
        """McNemar's exact two-sided p; 1 when no image changed."""
        from scipy.stats import binomtest

        changed = self.better + self.worse
        return float(binomtest(self.better, changed, 0.5).pvalue) if changed else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference, after Newcombe."""
        if not self.images:
            return math.nan, math.nan
        return _newcombe(self.both_right, self.better, self.worse, self.both_wrong)

    def as_dict(self) -> dict[str, float]:
        """Plain numbers, for tables and JSON."""
        low, high = self.interval
        counts = {"images": self.images, "better": self.better, "worse": self.worse}
        counts["same"] = self.both_right + self.both_wrong
        return {**counts, "difference": self.difference, "low": low, "high": high, "p_value": self.p_value}


def against(new_right: Flags, old_right: Flags) -> Against:
    """Compare two models. new_right, old_right: bool [n], where each model is right."""
    better, worse = new_right & ~old_right, old_right & ~new_right
    both = int((new_right & old_right).sum())
    return Against(len(new_right), int(better.sum()), int(worse.sum()), both, int((~new_right & ~old_right).sum()))


def by_class(labels: pd.Series, new_right: Flags, old_right: Flags) -> pd.DataFrame:
    """One row for each label: both recalls, their difference with its interval, McNemar's p; the worst change first."""
    rows = []
    for label, of_label in sorted(labels.reset_index(drop=True).groupby(labels.to_numpy(), sort=True).groups.items()):
        result = against(new_right[of_label], old_right[of_label])
        recalls = {"old": float(old_right[of_label].mean()), "new": float(new_right[of_label].mean())}
        rows.append({"class": label, **recalls, **result.as_dict()})
    frame = pd.DataFrame(rows, columns=["class", "old", "new", *against(new_right[:0], old_right[:0]).as_dict()])
    return frame.sort_values(["difference", "class"], kind="stable", ignore_index=True)


def _newcombe(both: int, better: int, worse: int, neither: int) -> tuple[float, float]:
    """Newcombe 1998, method 10: Wilson intervals of the two proportions, combined by their correlation."""
    total = both + better + worse + neither
    new, old = (both + better) / total, (both + worse) / total
    (new_low, new_high), (old_low, old_high) = wilson(both + better, total), wilson(both + worse, total)
    phi = _correlation(both, better, worse, neither)
    below = (new - new_low) ** 2 - 2 * phi * (new - new_low) * (old_high - old) + (old_high - old) ** 2
    above = (new_high - new) ** 2 - 2 * phi * (new_high - new) * (old - old_low) + (old - old_low) ** 2
    difference = new - old
    return difference - math.sqrt(max(below, 0)), difference + math.sqrt(max(above, 0))


def _correlation(both: int, better: int, worse: int, neither: int) -> float:
    margins = (both + better) * (worse + neither) * (both + worse) * (better + neither)
    if not margins:
        return 0.0
    product, half = both * neither - better * worse, (both + better + worse + neither) / 2
    # Newcombe's continuity correction, applied to a positive association only.
    corrected = max(product - half, 0) if product > 0 else product
    return corrected / math.sqrt(margins)
