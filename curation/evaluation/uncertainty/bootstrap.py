"""Intervals of macro precision, recall and F1, from resampled leak groups (cluster bootstrap, Efron 1979).

Groups with the same images in the same cells of the table (truth, prediction) are one kind. So a resample is one draw
of how often each kind occurs, and images are never indexed. The resamples give the variance and the bias of a score.
Its interval is that of Wilson for as many images as have this variance, moved by the bias, but for no more than the
separate images that the answers are worth. With fewer than ten groups a class it does not hold, and there is none
(benchmarks/intervals.py).
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.metrics import Codes
from curation.evaluation.uncertainty.intervals import NOTHING, Groups, Interval, of_share
from curation.predict.proportions import effective_size

LEAST_OF_CLASS = 10  # groups a class
AT_ONCE = 4_000_000  # cells sampled at a time: 32 MB
MOST_DRAWN = 100_000_000  # counts of kinds drawn in all; many kinds get fewer resamples
LEAST_RESAMPLES = 100

Matrices = NDArray[np.int64]
Statistic = Callable[[Matrices], NDArray[np.float64]]


def matrix_intervals(
    answers: tuple[Codes, Codes],
    groups: Groups,
    classes: int,
    statistics: Mapping[str, Statistic],
    how: tuple[int, int],
) -> dict[str, Interval]:
    """Intervals of statistics of the confusion matrix, by name.

    - answers: labels and predictions, codes int [n] of the classes
    - groups: int [n], the leak group of each image
    - statistics: functions of matrices int [b, c, c] that give numbers [b]
    - how: the number of resamples, and the seed
    """
    resamples, seed = how
    labels, predicted = answers
    present = len(np.unique(np.concatenate(answers)))
    count = len(np.unique(groups))
    if not resamples or count < LEAST_OF_CLASS * present or not count:
        return dict.fromkeys(statistics, NOTHING)
    separate = effective_size((labels == predicted).astype(np.float64), groups)
    cells = labels.astype(np.int64) * classes + predicted
    whole = np.bincount(cells, minlength=classes**2).reshape(1, classes, classes)
    sampled: dict[str, list[NDArray[np.float64]]] = {name: [] for name in statistics}
    for matrices in _resampled(cells, groups, classes, resamples, seed):
        for name, statistic in statistics.items():
            sampled[name].append(statistic(matrices))
    found = {name: np.concatenate(values) for name, values in sampled.items()}
    return {name: _interval(float(statistics[name](whole)[0]), values, separate) for name, values in found.items()}


def _interval(score: float, sampled: NDArray[np.float64], separate: float) -> Interval:
    variance, bias = float(sampled.var(ddof=1)), float(sampled.mean()) - score
    size = min(score * (1 - score) / variance, separate) if variance > 0 else separate
    low, high = of_share(score, max(size, 1.0))
    return Interval(min(max(low - bias, 0.0), score), max(min(high - bias, 1.0), score))


def _resampled(cells: Codes, groups: Groups, classes: int, resamples: int, seed: int) -> Iterator[Matrices]:
    """Matrices int [b, c, c] of images in resampled groups."""
    generator = np.random.default_rng(seed)
    kinds, filled, counts = kinds_of(cells, groups)
    resamples = min(resamples, max(LEAST_RESAMPLES, MOST_DRAWN // len(counts)))
    step = max(1, AT_ONCE // max(classes**2, len(counts)))
    for start in range(0, resamples, step):
        draws = generator.multinomial(counts.sum(), counts / counts.sum(), size=min(step, resamples - start))
        dense = np.zeros((len(draws), classes**2), np.int64)
        dense[:, filled] = (kinds.T @ draws.T).T
        yield dense.reshape(-1, classes, classes)


def kinds_of(cells: Codes, groups: Groups) -> tuple["NDArray[np.int64]", Codes, Codes]:
    """Kinds of groups: how many images a kind has in each filled cell [k, f] (sparse), these cells, and its groups."""
    from scipy.sparse import csr_array

    filled, column = np.unique(cells, return_inverse=True)
    _, member = np.unique(groups, return_inverse=True)
    marks = np.random.default_rng(0).integers(2**62, size=len(filled), dtype=np.uint64)
    sums = np.zeros(member.max() + 1, np.uint64)
    np.add.at(sums, member, marks[column])  # equal for equal groups, and for no others but by a chance of 2**-60
    _, first, kind, counts = np.unique(sums, return_index=True, return_inverse=True, return_counts=True)
    chosen = first[kind[member]] == member
    shape = (len(counts), len(filled))
    return csr_array((np.ones(chosen.sum(), np.int64), (kind[member[chosen]], column[chosen])), shape), filled, counts


def macro_f1s(matrices: Matrices) -> NDArray[np.float64]:
    """Macro F1 of matrices [b, c, c], over the classes that occur in each."""
    hit, truth, answer = _margins(matrices)
    return _macro(2 * hit, truth + answer, (truth + answer) > 0)


def macro_recalls(matrices: Matrices) -> NDArray[np.float64]:
    """Macro recall of matrices [b, c, c], over the classes that occur in each."""
    hit, truth, answer = _margins(matrices)
    return _macro(hit, truth, (truth + answer) > 0)


def macro_precisions(matrices: Matrices) -> NDArray[np.float64]:
    """Macro precision of matrices [b, c, c], over the classes that occur in each."""
    hit, truth, answer = _margins(matrices)
    return _macro(hit, answer, (truth + answer) > 0)


MACRO: Mapping[str, Statistic] = {"precision": macro_precisions, "recall": macro_recalls, "f1": macro_f1s}


def _margins(matrices: Matrices) -> tuple[NDArray[np.float64], Matrices, Matrices]:
    return np.diagonal(matrices, axis1=1, axis2=2).astype(np.float64), matrices.sum(axis=2), matrices.sum(axis=1)


def _macro(part: NDArray[np.float64], of: Matrices, present: NDArray[np.bool_]) -> NDArray[np.float64]:
    scores = np.divide(part, of, out=np.zeros_like(part), where=of > 0)
    return np.asarray(scores.sum(axis=1) / np.maximum(present.sum(axis=1), 1))
