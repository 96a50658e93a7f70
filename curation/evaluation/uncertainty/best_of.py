"""How much too good the best of the epochs of a training, or of all trials of a search, looks on val.

`optimism` says it for results that are equally good. Here only those count that chance could have made the best: an
epoch far below was no rival. Epochs of one training err together, so this is the most to expect, not the usual.
"""

import math
from collections.abc import Sequence

import numpy as np

from curation.evaluation.uncertainty.optimism import best_of, optimism

REACH = 2 * math.sqrt(2)  # standard errors below the best from which a result could as well have been the best


def most_optimism(accuracies: Sequence[float], size: float) -> float:
    """The most by which the best of some accuracies is too high on average; 0 for one result.

    - accuracies: of all results that the best was chosen from, such as one an epoch, all on the same images
    - size: how many separate images they are measured on; a leak group is one

    Example: of 20 epochs that measure 0.9 on 200 images, the best is up to 0.045 too high.
    """
    found = np.asarray([one for one in accuracies if math.isfinite(one)], np.float64)
    if not len(found) or size <= 0:
        return 0.0
    best = float(found.max())
    rate = (best * size + 2) / (size + 4)  # never 0 or 1: of all right, one more image could be wrong
    error = math.sqrt(rate * (1 - rate) / size)
    rivals = int((found >= best - REACH * error).sum())
    if rivals < 2:
        return 0.0
    # The error is that of the usual result, which is a little lower than the best.
    return optimism(rivals, size, max(rate - best_of(rivals) * error, min(rate, 0.5)))


def in_words(accuracies: Sequence[float], size: int, of: str) -> str:
    """One sentence about the best of these results. of: what they are, such as `epochs`."""
    most = most_optimism(accuracies, size)
    return (
        f"chosen on val as the best of {len(accuracies)} {of}: on new images expect up to {100 * most:.1f} points less "
        f"({size:,} leak groups in val); test and benchmark were not chosen on"
    )
