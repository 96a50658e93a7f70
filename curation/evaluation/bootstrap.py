"""Bootstrap intervals (Efron 1979, percentile method) whose cost does not grow with the number of images.

To resample images with replacement is to resample the cells of the table (truth, prediction) from a multinomial
distribution. So every resample of accuracy, recall or F1 is one random confusion matrix, and images are never indexed.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.metrics import Codes

LEVEL = 0.95
MOST_RESAMPLED = 20_000
AT_ONCE = 4_000_000  # cells sampled at a time: 32 MB


class Interval(NamedTuple):
    """A percentile interval; NaN where it is not defined."""

    low: float
    high: float


Statistic = Callable[[NDArray[np.int64]], NDArray[np.float64]]


def matrix_intervals(matrix: Codes, statistics: dict[str, Statistic], resamples: int, seed: int) -> dict[str, Interval]:
    """Intervals of statistics of a confusion matrix. A statistic maps matrices int [b, c, c] to numbers [b]."""
    total = int(matrix.sum())
    if not resamples or not total:
        return {name: Interval(float("nan"), float("nan")) for name in statistics}
    sampled: dict[str, list[NDArray[np.float64]]] = {name: [] for name in statistics}
    for matrices in _resampled(matrix, total, resamples, seed):
        for name, statistic in statistics.items():
            sampled[name].append(statistic(matrices))
    return {name: percentile(np.concatenate(values)) for name, values in sampled.items()}


def mean_interval(values: NDArray[np.floating], resamples: int, seed: int) -> Interval:
    """Interval of the mean of values [n]. Above 20,000 values it is the normal one, which is the same."""
    wide = values.astype(np.float64)
    if not resamples or not len(wide):
        return Interval(float("nan"), float("nan"))
    if len(wide) > MOST_RESAMPLED:
        reach = 1.959963984540054 * wide.std(ddof=1) / np.sqrt(len(wide))
        return Interval(float(wide.mean() - reach), float(wide.mean() + reach))
    generator = np.random.default_rng(seed)
    step = max(1, AT_ONCE // len(wide))
    counts = [min(step, resamples - start) for start in range(0, resamples, step)]
    means = [wide[generator.integers(len(wide), size=(count, len(wide)))].mean(axis=1) for count in counts]
    return percentile(np.concatenate(means))


def percentile(values: NDArray[np.float64]) -> Interval:
    """The middle 95 % of resampled values."""
    low, high = np.nanpercentile(values, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Interval(float(low), float(high))


def _resampled(matrix: Codes, total: int, resamples: int, seed: int) -> "list[NDArray[np.int64]]":
    generator = np.random.default_rng(seed)
    filled = np.flatnonzero(matrix)
    share = matrix.ravel()[filled] / total
    size = matrix.shape[0]
    out = []
    step = max(1, AT_ONCE // size**2)
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        dense = np.zeros((count, size * size), np.int64)
        dense[:, filled] = generator.multinomial(total, share, size=count)
        out.append(dense.reshape(count, size, size))
    return out


def accuracies(matrices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Accuracy of matrices [b, c, c]."""
    return np.asarray(np.trace(matrices, axis1=1, axis2=2) / matrices.sum(axis=(1, 2)))


def macro_f1s(matrices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Macro F1 of matrices [b, c, c], over the classes that occur in each."""
    hit = np.diagonal(matrices, axis1=1, axis2=2).astype(np.float64)
    both = matrices.sum(axis=1) + matrices.sum(axis=2)
    scores = np.divide(2 * hit, both, out=np.zeros_like(hit), where=both > 0)
    return np.asarray(scores.sum(axis=1) / np.maximum((both > 0).sum(axis=1), 1))


def recalls(matrices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Macro recall of matrices [b, c, c], over the classes that have images in each."""
    hit = np.diagonal(matrices, axis1=1, axis2=2).astype(np.float64)
    support = matrices.sum(axis=2)
    scores = np.divide(hit, support, out=np.zeros_like(hit), where=support > 0)
    return np.asarray(scores.sum(axis=1) / np.maximum((support > 0).sum(axis=1), 1))
