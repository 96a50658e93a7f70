"""How much too good the best of many results looks, because it was chosen by the images that it is measured on.

If k models are equally good, the best measured accuracy is that of the luckiest one: the expected maximum of k normal
errors, in standard errors of an accuracy (order statistics, Tippett 1925). Epochs of one training err together, so this
is the most to expect, not the usual. Only results that chance could have made the best are counted.
"""

import math
from collections.abc import Sequence

import numpy as np

REACH = 2 * math.sqrt(2)  # standard errors below the best from which a result could as well have been the best
GRID = np.linspace(-8, 8, 4001)


def expected_best(count: int) -> float:
    """Expected maximum of `count` independent standard normal numbers; 0 for one."""
    from scipy.stats import norm

    if count < 2:
        return 0.0
    density = count * norm.pdf(GRID) * norm.cdf(GRID) ** (count - 1)
    return float(np.trapezoid(GRID * density, GRID))


def optimism(accuracies: Sequence[float], size: float) -> float:
    """The most by which the best of some accuracies is too high on average; 0 for one result.

    - accuracies: of all results that the best was chosen from, such as one an epoch, all on the same images
    - size: how many separate images they are measured on; a leak group is one

    Example: of 20 equal epochs at 0.88 on 200 images, the best is up to 0.043 too high.
    """
    found = np.asarray([one for one in accuracies if math.isfinite(one)], np.float64)
    if not len(found) or size <= 0:
        return 0.0
    best = float(found.max())
    rate = (best * size + 1) / (size + 2)  # never 0 or 1: of all right, one more image could be wrong
    error = math.sqrt(rate * (1 - rate) / size)
    rivals = int((found >= best - REACH * error).sum())
    # The error is that of the usual result, which is a little lower than the best.
    usual = max(rate - expected_best(rivals) * error, 0.5) if rate > 0.5 else rate
    return expected_best(rivals) * math.sqrt(usual * (1 - usual) / size)


def in_words(accuracies: Sequence[float], size: int, of: str) -> str:
    """One sentence about the best of these results. of: what they are, such as `epochs`."""
    most = optimism(accuracies, size)
    return (
        f"chosen on val as the best of {len(accuracies)} {of}: on new images expect up to {100 * most:.1f} points less "
        f"({size:,} leak groups in val); test and benchmark were not chosen on"
    )
