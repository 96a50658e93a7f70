"""The sign-flip test: whether the change of paired images can be chance, where images come in groups.

If two models are equally good, each group is as likely to have changed by -d as by +d. All signs are counted, not
sampled (Fisher 1935), so the answer is exact and needs no seed. Where every group is one image, this is McNemar's exact
test. For many changes the normal distribution takes its place.
"""

import math

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.uncertainty.intervals import Groups

MOST_EXACT = 20_000  # sum of the absolute changes up to which all signs are counted


def two_sided(change: NDArray[np.float64], groups: Groups) -> float:
    """Probability of a change at least as large, in either direction, if the models are equally good."""
    return min(1.0, 2 * _at_least(change, groups, abs(float(change.sum()))))


def worse(change: NDArray[np.float64], groups: Groups) -> float:
    """Probability of a sum as low as this one or lower, if the models are equally good.

    - change: [n], 1 where an image became better, -1 where it became worse, else 0
    - groups: int [n], the leak group of each image
    """
    return _at_least(-change, groups, -float(change.sum()))


def _at_least(change: NDArray[np.float64], groups: Groups, wanted: float) -> float:
    """P(sum of the groups' changes with random signs >= wanted)."""
    from scipy.stats import binom, norm

    _, member = np.unique(groups, return_inverse=True)
    sizes = np.abs(np.bincount(member, change)).round().astype(np.int64)
    steps, counts = np.unique(sizes[sizes > 0], return_counts=True)
    reach = int((steps * counts).sum())
    if not reach:
        return 1.0 if wanted <= 0 else 0.0
    if reach > MOST_EXACT:
        return float(norm.sf((wanted - 1) / math.sqrt(float((steps.astype(float) ** 2 * counts).sum()))))
    chances = np.ones(1)  # of the number of units that are positive, of `reach` in all
    for step, count in zip(steps, counts, strict=True):
        part = np.zeros(int(step * count) + 1)
        part[::step] = binom.pmf(np.arange(count + 1), count, 0.5)
        chances = np.convolve(chances, part)
    first = math.ceil((wanted + reach) / 2 - 1e-9)
    return float(min(1.0, chances[max(first, 0) :].sum()))
