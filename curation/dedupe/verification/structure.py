"""How much of a pair's grid has something to compare, and whether the details there agree, whatever the light.

Details agree where the local correlation of the two pictures is high, at the best shift of a pixel.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.dedupe.verification.compared_picture import Pixels, Reals
from curation.dedupe.verification.light import Explained
from curation.dedupe.verification.overlap import Overlap, luma
from curation.dedupe.verification.registration import CELLS
from curation.dedupe.verification.residuals import AROUND, largest_area

WINDOW = (13, 13)  # pixels of the local correlation
STEPS = ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))  # shifts that the local correlation allows
STRUCTURED = 40.0  # variance above the noise from which there is structure to compare
STRONG = 150.0  # and from which it is strong
UNLIKE = 0.5  # local correlation below which structure does not agree
FILLED, ALIKE = 0.2, 0.8  # share of a cell that must have structure, and the local correlation from which it agrees
SETTLED = 0.95  # mean local correlation from which no further shift is tried
LAPLACE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


class Structure(NamedTuple):
    """Where both pictures have structure, share of the grid; mean local correlation there; strong areas that disagree.

    cells: of the 6 x 6 cells of the grid, how many have structure that agrees.
    """

    share: float
    correlation: float
    unlike_area: int
    cells: int


def structure(pair: Overlap, light: Explained) -> Structure:
    """Compare the details."""
    one, other = (
        cv2.GaussianBlur(luma(picture), (0, 0), 0.8) / np.float32(light.contrast)
        for picture in (light.predicted, light.actual)
    )
    (middle, spread), (level, width) = _moments(one), _moments(other)
    inside: Pixels = np.asarray(cv2.erode(pair.both.astype(np.uint8), np.ones((7, 7), np.uint8)))
    clear = cv2.max(spread - 6 * _noise(one) ** 2, width - 6 * _noise(other) ** 2)
    structured, strong = (inside > 0) & (clear > STRUCTURED), (inside > 0) & (clear > STRONG)
    count = int(np.count_nonzero(structured))
    if not count:
        return Structure(0.0, 1.0, 0, 0)
    best: Reals = np.full(one.shape, -1, np.float32)
    filled, parts = _cell_sums(structured), _cell_sums(np.ones_like(structured))
    wide, scale = np.maximum(width, np.float32(1)), np.maximum(spread, np.float32(1))
    for step in STEPS:
        shared = cv2.subtract(cv2.blur(one * _moved(other, step), WINDOW), middle * _moved(level, step))
        best = np.maximum(best, shared / np.sqrt(scale * _moved(wide, step)))
        unlike = cv2.erode((strong & (best < UNLIKE)).astype(np.uint8), AROUND) > 0
        agreed = best * structured
        correlation = cv2.sumElems(agreed)[0] / count
        agreeing = (filled > FILLED * parts) & (_cell_sums(agreed) > ALIKE * filled)
        if correlation > SETTLED and not unlike.any() and (agreeing == (filled > FILLED * parts)).all():
            break  # no other shift can change what the rule goes by
    return Structure(count / max(cv2.countNonZero(inside), 1), correlation, largest_area(unlike), int(agreeing.sum()))


def _moved(values: Reals, step: tuple[int, int]) -> Reals:
    return np.roll(values, step, (0, 1)) if any(step) else values


def _moments(grey: Reals) -> tuple[Reals, Reals]:
    middle = cv2.blur(grey, WINDOW)
    return middle, cv2.blur(grey * grey, WINDOW) - middle * middle


def _noise(grey: Reals) -> float:
    """Noise in grey levels (Immerkaer 1996, with the median, so that texture counts little)."""
    return float(np.median(np.abs(cv2.filter2D(grey, -1, LAPLACE)[::2, ::2]))) / 4.05


def _cell_sums(values: NDArray[Any]) -> Reals:
    """Sums over the 6 x 6 cells of the grid, float32 [CELLS, CELLS]."""
    down, across = (_cells_of(length) for length in values.shape)
    return np.asarray(down @ values.astype(np.float32) @ across.T)


def _cells_of(length: int) -> Reals:
    """Which of so many pixels lie in which cell, float32 [CELLS, length]."""
    cells = np.arange(length) * CELLS // length
    return np.asarray(np.arange(CELLS)[:, None] == cells, np.float32)
