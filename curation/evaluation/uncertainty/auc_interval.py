"""The 95 % interval of an area under the ROC curve, for images that come in leak groups.

An image's share in the error of the area is known in closed form (DeLong 1988). Shares are summed over each leak group
first (Obuchowski 1997), so images that agree with one another count as less. The area then has Wilson's interval on as
many images as have its variance. A mean over classes has the mean of the shares.
"""

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.uncertainty.intervals import LEAST_GROUPS, NOTHING, Groups, Interval, of_share

Reals = NDArray[np.float64]


def influence(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> tuple[float, Reals]:
    """The area, with ties as half, and each image's share [n] in its error; NaN and zeros where all are of one kind."""
    from scipy.stats import rankdata

    shares = np.zeros(len(scores))
    hits, misses = int(positive.sum()), int((~positive).sum())
    if not hits or not misses:
        return float("nan"), shares
    ranks = rankdata(scores)
    below = (ranks[positive] - rankdata(scores[positive])) / misses  # share of the others that a positive exceeds
    above = 1 - (ranks[~positive] - rankdata(scores[~positive])) / hits  # share of the positives that exceed another
    area = float(below.mean())
    shares[positive] = (below - area) / hits
    shares[~positive] = (above - area) / misses
    return area, shares


def interval(area: float, shares: Reals, groups: Groups) -> Interval:
    """Interval of an area; none with fewer than ten groups.

    - shares: [n], as `influence` gives them, or their mean over classes
    - groups: int [n], the leak group of each image
    """
    _, member = np.unique(groups, return_inverse=True)
    count = int(member.max(initial=-1)) + 1
    if not np.isfinite(area) or count < LEAST_GROUPS:
        return NOTHING
    variance = float((np.bincount(member, shares) ** 2).sum()) * count / (count - 1)
    size = min(area * (1 - area) / variance, float(count)) if variance > 0 else float(count)
    return of_share(area, max(size, 1.0))
