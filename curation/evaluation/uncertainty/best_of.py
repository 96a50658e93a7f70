"""How much too good the best of many results looks, because it was chosen by the images that it is measured on.

If k models are equally good, the best measured accuracy is that of the luckiest one: the expected maximum of k normal
errors, in standard errors of an accuracy (order statistics, Blom 1958). Results that err together, such as the epochs
of one training, look less too good, so this is the most to expect. Only those count that chance could have made the
best. benchmarks/reuse.py holds it against a simulation.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

REACH = 2 * math.sqrt(2)  # standard errors below the best from which a result could as well have been the best


@cache
def expected_best(tries: int) -> float:
    """The expected largest of `tries` standard normal numbers, by numerical integration; 0 for one."""
    from scipy.stats import norm

    edges = np.linspace(-9, 9, 20_001)
    return float(edges[-1] - np.trapezoid(norm.cdf(edges) ** tries, edges)) if tries > 1 else 0.0


def optimism(accuracies: Sequence[float], size: float) -> float:
    """The most by which the best of some accuracies is too high on average; 0 for one result.

    - accuracies: of all results that the best was chosen from, such as one an epoch, all on the same images
    - size: how many separate images they are measured on; a leak group is one

    Example: of 20 epochs that measure 0.9 on 200 images, the best is up to 0.045 too high.
    """
    found = np.asarray([one for one in accuracies if math.isfinite(one)], np.float64)
    if not len(found) or size <= 0:
        return 0.0
    best = float(found.max())
    rate = (best * size + 2) / (size + 4)  # after Agresti and Coull 1998: nothing is known to be perfect
    error = math.sqrt(rate * (1 - rate) / size)
    most = expected_best(int((found >= best - REACH * error).sum()))
    # The error is that of the usual result, which is a little lower than the best.
    usual = max(rate - most * error, min(rate, 0.5))
    return most * math.sqrt(usual * (1 - usual) / size)


def in_words(accuracies: Sequence[float], size: int, of: str) -> str:
    """One sentence about the best of these results. of: what they are, such as `epochs`."""
    most = optimism(accuracies, size)
    return (
        f"chosen on val as the best of {len(accuracies)} {of}: on new images expect up to {100 * most:.1f} points less "
        f"({size:,} leak groups in val); test and benchmark were not chosen on"
    )
