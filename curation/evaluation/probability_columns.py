"""Probabilities stored by class on disk, because the area under the ROC curve is computed one class at a time.

A block of images is a piece of every class's row. So a row is read at once, and memory holds one class.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.metrics import roc_auc


class Columns:
    """Probabilities float32 [classes, images] in a memory-mapped file."""

    def __init__(self, path: Path, classes: int, images: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (classes, images)
        empty = not classes or not images  # a file of no bytes can't be mapped
        self._store: NDArray[np.float32] = (
            np.zeros(shape, np.float32)
            if empty
            else np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
        )

    def put(self, block: slice, probabilities: NDArray[np.float32]) -> None:
        """Store the probabilities [b, classes] of a block of images."""
        self._store[:, block] = probabilities.T

    def macro_auc(self, labels: NDArray[np.integer], mask: NDArray[np.bool_]) -> float:
        """Mean one-against-rest AUC of the images in `mask`, over the classes that some have and some have not."""
        truth = labels[mask]
        values = [roc_auc(np.asarray(row[mask]), truth == code) for code, row in enumerate(self._store)]
        finite = [value for value in values if np.isfinite(value)]
        return float(np.mean(finite)) if finite else float("nan")
