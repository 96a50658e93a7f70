"""How many separate images tell as much as images that come in leak groups.

Images of one group (a burst, a scene) are often right or wrong together, so they tell less than as many separate
images. Their number is divided by the design effect of cluster sampling (Kish 1965), with the correlation within groups
estimated by moments.
"""

import numpy as np
from numpy.typing import NDArray

DOUBTED_GROUPS = 1.0  # groups in which all images agree, added to those that the correlation is estimated from

Reals = NDArray[np.float64]
Groups = NDArray[np.int64]


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
