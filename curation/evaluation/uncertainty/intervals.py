"""95 % intervals of shares and means, for images that come in leak groups.

Images of one group (a burst, a scene) are often right or wrong together, so they tell less than as many separate
images. Their number is divided by the design effect of cluster sampling (Kish 1965), with the correlation within groups
estimated by moments. A share then has the interval of Wilson (1927), which holds for few images and for none or all
right, with the nearer limit of Brown, Cai and DasGupta (2001) where at most three count. A mean has the bootstrap-t
interval (Efron 1979) over groups. benchmarks/intervals.py measures how often each holds the truth.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.predict.proportions import Z_95, effective_size, lower_bound, wilson

LEVEL = 0.95
FEW = 3.0  # images on the rarer side up to which Wilson's limit on that side is too narrow
MOST_RESAMPLED = 20_000  # groups; with more, the normal interval is the same
CALIBRATED = (
    0.965  # level of the bootstrap-t at which it holds 95 %: it is a little narrow for skewed values (Loh 1987)
)
LEAST_GROUPS = 10  # fewer say nothing of a mean
AT_ONCE = 4_000_000  # groups that are resampled at a time

Reals = NDArray[np.float64]
Groups = NDArray[np.int64]


class Interval(NamedTuple):
    """The lower and the upper limit; NaN where there is no interval."""

    low: float
    high: float


NOTHING = Interval(float("nan"), float("nan"))


def share(right: NDArray[np.bool_], groups: Groups) -> Interval:
    """Interval of the share of images that are right.

    - right: bool [n]
    - groups: int [n], the leak group of each image

    Example: of 25 separate images that are all right, `share` gives 0.867 to 1.
    """
    if not len(right):
        return NOTHING
    return of_share(float(right.mean()), effective_size(right.astype(np.float64), groups))


def of_share(rate: float, size: float) -> Interval:
    """Interval of a share `rate` of `size` separate images; `size` need not be whole."""
    from scipy.stats import chi2

    low, high = wilson(rate * size, size)
    wrong, right = (1 - rate) * size, rate * size
    if 0 < wrong <= FEW:
        high = max(high, 1 - float(chi2.ppf(1 - LEVEL, 2 * wrong)) / (2 * size))
    if 0 < right <= FEW:
        low = min(low, float(chi2.ppf(1 - LEVEL, 2 * right)) / (2 * size))
    return Interval(low if right > 0 else 0.0, high if wrong > 0 else 1.0)


def exact_share(rate: float, size: float, level: float) -> Interval:
    """Interval of a share at any level (Clopper and Pearson 1934).

    At a high level, where few images are on one side, Wilson's interval holds the truth less often than it says.
    """
    tail = (1 - level) / 2
    return Interval(lower_bound(rate, size, tail), 1 - lower_bound(1 - rate, size, tail))


def of_difference(one: float, limits: tuple[float, float], other: float, others: tuple[float, float]) -> Interval:
    """Interval of `one` minus `other`, which were measured apart, from the limits of each (Zou and Donner 2008)."""
    (low, high), (under, over) = limits, others
    below, above = math.hypot(one - low, over - other), math.hypot(high - one, other - under)
    return Interval(one - other - below, one - other + above)


def mean(values: NDArray[np.floating], groups: Groups, resamples: int, seed: int) -> Interval:
    """Bootstrap-t interval of the mean of `values` [n], over groups; none with fewer than 10 groups.

    Each resample is compared with its own standard error, so skewed values such as a log loss are allowed for.
    """
    _, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    many = len(sizes)
    if not resamples or many < LEAST_GROUPS:
        return NOTHING
    sums: Reals = np.bincount(member, values.astype(np.float64)).astype(np.float64)
    weights: Reals = sizes.astype(np.float64)
    middle, error = (float(part[0]) for part in _means(sums[None], weights[None]))
    if not error:
        return NOTHING
    if many > MOST_RESAMPLED:
        return Interval(middle - Z_95 * error, middle + Z_95 * error)
    generator, step = np.random.default_rng(seed), max(1, AT_ONCE // many)
    ratios = []
    for start in range(0, resamples, step):
        rows = generator.integers(many, size=(min(step, resamples - start), many))
        means, errors = _means(sums[rows], weights[rows])
        ratios.append((means - middle)[errors > 0] / errors[errors > 0])
    below, above = np.percentile(np.concatenate(ratios), [50 * (1 - CALIBRATED), 50 * (1 + CALIBRATED)])
    return Interval(middle - float(above) * error, middle - float(below) * error)


def _means(sums: Reals, sizes: Reals) -> tuple[Reals, Reals]:
    """Mean and standard error [b] of the images of groups with these sums and sizes [b, g]."""
    means = sums.sum(axis=1) / sizes.sum(axis=1)
    many = sums.shape[1]
    errors = np.sqrt(((sums - means[:, None] * sizes) ** 2).sum(axis=1) * many / (many - 1)) / sizes.sum(axis=1)
    return means, errors
