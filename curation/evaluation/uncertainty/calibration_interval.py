"""The 95 % interval of the expected calibration error, for images that come in leak groups.

The error is a sum of absolute gaps, so chance alone makes it larger: a model that is calibrated to perfection has an
error above 0 on any images, and a bootstrap of it never reaches 0. The interval holds the errors that could have given
the measured one: the gaps of all bins are scaled by one factor, the chance of their leak groups is added, and the
factors at which the measured error lies in neither tail are kept (an inverted test, Neyman 1937).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.metrics import bins_of
from curation.evaluation.uncertainty.intervals import LEAST_GROUPS, LEVEL, NOTHING, Groups, Interval

DRAWS, STEPS, MOST = 2000, 40, 1e4
Reals = NDArray[np.float64]


def calibration_interval(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], groups: Groups, seed: int, bins: int = 15
) -> Interval:
    """Interval of the expected calibration error of images [n]; none with fewer than ten groups."""
    gaps, spread = _gaps(np.asarray(confidence, np.float64), correct, groups, bins)
    if spread is None:
        return NOTHING
    measured = float(np.abs(gaps).sum())
    if not measured:
        return NOTHING
    root = np.linalg.cholesky(spread + 1e-18 * np.eye(bins))
    noise = np.random.default_rng(seed).normal(size=(DRAWS, bins)) @ root.T
    tail = (1 - LEVEL) / 2

    def share_below(factor: float) -> float:
        """The chance of an error as low as the measured one, if the gaps are `factor` times the measured ones."""
        return float((np.abs(factor * gaps + noise).sum(axis=1) <= measured).mean())

    low = 0.0 if share_below(0.0) < 1 - tail else _where(share_below, 1 - tail)
    return Interval(low * measured, min(_where(share_below, tail) * measured, 1.0))


def _where(share: Callable[[float], float], wanted: float) -> float:
    """The factor at which a falling share passes `wanted`, by halving."""
    low, high = 0.0, 1.0
    while share(high) > wanted and high < MOST:
        high *= 2
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) > wanted else (low, middle)
    return high


def _gaps(
    confidence: Reals, correct: NDArray[np.bool_], groups: Groups, bins: int
) -> tuple[Reals, NDArray[np.float64] | None]:
    """Gap of each bin as a share of all images [bins], and the covariance of these; None with too few groups."""
    from scipy.sparse import csr_array

    count = len(confidence)
    _, member = np.unique(groups, return_inverse=True)
    many, own = int(member.max(initial=-1)) + 1, bins_of(confidence, bins)
    gap = (correct - confidence) / max(count, 1)
    total = np.bincount(own, gap, minlength=bins).astype(np.float64)
    if many < LEAST_GROUPS:
        return total, None
    sums = csr_array((gap, (member, own)), (many, bins))  # entries of one cell are added up
    spread = np.asarray((sums.T @ sums).todense()) - np.outer(total, total) / many
    spread *= many / (many - 1)
    # A bin whose images are all right shows no spread: a calibrated model would have this much there.
    chance = np.bincount(own, confidence * (1 - confidence), minlength=bins) / count**2
    return total, spread + np.diag(np.maximum(chance - np.diag(spread), 0.0))
