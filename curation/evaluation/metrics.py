"""Classification metrics from integer codes: the same values as scikit-learn's, and fast for millions of images.

What can be is computed from the confusion matrix, which is summed over blocks. The rest needs one float for each image.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Reals = NDArray[np.float64]


def confusion(labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> Codes:
    """Counts int [classes, classes]: rows are the truth, columns the prediction. Other codes are left out."""
    inside = (labels >= 0) & (labels < classes) & (predicted >= 0) & (predicted < classes)
    flat = labels[inside].astype(np.int64) * classes + predicted[inside]
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class PerClass:
    """One number for each class. Precision, recall and F1 are 0 where they are not defined, as in scikit-learn."""

    precision: Reals
    recall: Reals
    f1: Reals
    support: Codes
    predicted: Codes

    @property
    def present(self) -> NDArray[np.bool_]:
        """Bool [classes]: classes that are the truth or the prediction of some image; macro averages run over these."""
        return np.asarray((self.support > 0) | (self.predicted > 0))

    def macro(self, name: str) -> float:
        """Mean of `precision`, `recall` or `f1` over the classes present; NaN without any."""
        values: Reals = getattr(self, name)[self.present]
        return float(values.mean()) if len(values) else float("nan")


def per_class(matrix: Codes) -> PerClass:
    """Precision, recall and F1 of every class from a confusion matrix."""
    hit = np.diag(matrix).astype(np.float64)
    support, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    return PerClass(
        _ratio(hit, predicted), _ratio(hit, support), _ratio(2 * hit, support + predicted), support, predicted
    )


def accuracy(matrix: Codes) -> float:
    """Share on the diagonal; NaN for an empty matrix."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float("nan")


def calibration_error(confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error: bins of equal width (left-open), gaps weighted by count (Naeini 2015, Guo 2017)."""
    table = reliability(confidence, correct, bins)
    weight = table.count / max(table.count.sum(), 1)
    return float(np.sum(weight * np.abs(table.accuracy - table.confidence)))


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram: for every bin its count, mean confidence and accuracy (0 where it is empty)."""

    upper: Reals
    count: Codes
    confidence: Reals
    accuracy: Reals


def reliability(confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = 15) -> Reliability:
    """Mean confidence against accuracy in `bins` bins of equal width over (0, 1]."""
    bin_of = bins_of(confidence, bins)
    count = np.bincount(bin_of, minlength=bins)
    sums = np.bincount(bin_of, weights=confidence, minlength=bins).astype(np.float64)
    hits = np.bincount(bin_of, weights=correct.astype(np.float64), minlength=bins).astype(np.float64)
    return Reliability(np.linspace(0, 1, bins + 1)[1:], count, _ratio(sums, count), _ratio(hits, count))


def bins_of(confidence: NDArray[np.floating], bins: int) -> Codes:
    """Number [n] of the bin of each confidence: `bins` of equal width over (0, 1]."""
    edges = np.linspace(0, 1, bins + 1)
    return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)


def _ratio(part: NDArray[np.floating], whole: NDArray[np.integer]) -> Reals:
    return np.asarray(np.divide(part, whole, out=np.zeros(len(part), np.float64), where=whole > 0))
