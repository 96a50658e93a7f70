"""Probabilities stored by class on disk, because the area under the ROC curve is computed one class at a time.

A block of images is a piece of every class's row. So a row is read at once, and memory holds one class.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.uncertainty.auc_interval import influence, interval
from curation.evaluation.uncertainty.bootstrap import LEAST_OF_CLASS
from curation.evaluation.uncertainty.intervals import NOTHING, Groups, Interval
from curation.files.whole_files import reserve


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
        if not empty:
            with path.open("r+b") as file:
                reserve(file.fileno())

    def put(self, block: slice, probabilities: NDArray[np.float32]) -> None:
        """Store the probabilities [b, classes] of a block of images."""
        self._store[:, block] = probabilities.T

    def macro_auc(self, labels: NDArray[np.integer], groups: Groups, mask: NDArray[np.bool_]) -> tuple[float, Interval]:
        """Mean one-against-rest AUC of the images in `mask`, over the classes that some have and some have not.

        labels, groups: int [n], class and leak group of each image. With it comes its 95 % interval; there is none with
        fewer than ten groups a class.
        """
        truth, total, shares, classes = labels[mask], 0.0, np.zeros(int(mask.sum())), 0
        for code, row in enumerate(self._store):
            area, of_class = influence(np.asarray(row[mask]), truth == code)
            if np.isfinite(area):
                total, shares, classes = total + area, shares + of_class, classes + 1
        if not classes:
            return float("nan"), NOTHING
        enough = len(np.unique(groups[mask])) >= LEAST_OF_CLASS * classes
        area = total / classes
        return area, interval(area, shares / classes, groups[mask]) if enough else NOTHING
