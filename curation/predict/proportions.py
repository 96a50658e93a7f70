"""What a share of images says of the truth: bounds, tests, an interval, and how many images it counts for.

The bounds and tests are the exact ones of Clopper and Pearson (1934), the interval is that of Wilson (1927). Images of
one leak group (a burst, a scene) are often right or wrong together, so they tell less than as many separate images.
Their number is divided by the design effect of cluster sampling (Kish 1965), with the correlation within groups
estimated by moments.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv

ALPHA = 0.05  # how often a stated bound, or a threshold, may be wrong
Z_95 = 1.959963984540054
DOUBTED_GROUPS = 1.0  # groups in which all images agree, added to those that the correlation is estimated from

Groups = NDArray[np.int64]
Reals = NDArray[np.floating]


def effective_size(values: Reals, groups: Groups) -> float:
    """How many separate images tell as much about the mean of `values` [n] as these images in `groups` [n] do.

    The correlation within groups is estimated from the groups of two and more in which some image has another value
    than most images. Where there are few of these, it is drawn towards 1: if all values are equal, a group counts once.
    """
    count = len(values)
    _, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    pairs = float((sizes * (sizes - 1.0)).sum())
    if not pairs:
        return float(count)
    spread = values - values.mean()
    sums, squares = np.bincount(member, spread), np.bincount(member, spread**2)
    total = float(squares.sum())
    alike = float((sums**2 - squares).sum()) / pairs / (total / count) if total > 0 else 1.0
    telling = int(np.count_nonzero((sizes > 1) & (np.bincount(member, values != _usual(values)) > 0)))
    alike = (telling * min(max(alike, 0.0), 1.0) + DOUBTED_GROUPS) / (telling + DOUBTED_GROUPS)
    return count / (1 + (float((sizes.astype(np.float64) ** 2).sum()) / count - 1) * alike)


def _usual(values: Reals) -> float:
    """The most frequent value, the smallest of equals."""
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()])


def needed(precision: float, wrong: int = 0) -> int:
    """Return how many images show a precision at 95 % when `wrong` of them are wrong: 59 for 0.95 and none wrong."""
    precision = min(precision, 1 - 1e-9)
    count = max(math.ceil(math.log(ALPHA) / math.log(precision) - 1e-9), wrong + 1)
    while wrong and betainc(count - wrong, wrong + 1, precision) > ALPHA:
        count += 1
    return count


def p_values(rates: Reals, sizes: Reals, wanted: Reals) -> NDArray[np.float64]:
    """Return the binomial probability [n] of a rate this high or higher when the true one is `wanted`."""
    right = np.asarray(rates, np.float64) * sizes
    tails = betainc(np.maximum(right, 1e-12), sizes - right + 1, wanted)
    return np.asarray(np.where(right > 0, tails, 1.0), np.float64)


def lower_bound(rate: float, size: float, alpha: float = ALPHA) -> float:
    """Return the lower Clopper-Pearson bound of a share `rate` of `size` separate images.

    alpha: how often the bound may be wrong.

    Example: lower_bound(1, 59) is 0.95.
    """
    return float(betaincinv(rate * size, (1 - rate) * size + 1, alpha)) if rate > 0 and size > 0 else 0.0


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
