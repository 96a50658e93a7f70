"""The smooth shift that a homography leaves between two registered pictures, as a lens or a bilinear warp makes it.

Lucas and Kanade's equations (1981) are solved for one polynomial of the second degree in each direction. Such a shift
has twelve numbers for the whole picture, so it can't hide a thing in one place.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Reals = NDArray[Any]  # float32

ROUNDS = 4
STEP = 2  # of so many pixels in each direction, one is read
AROUND = 6.0  # pixels over which the light is made even
FLAT = 4.0  # grey levels added to the contrast, so that flat parts tell nothing
MOST = 4.0  # pixels that a shift may have anywhere
SETTLED = 0.03  # pixels of change from which no further round is needed
TERMS = 6


def bend(one: Reals, other: Reals, both: NDArray[np.bool_]) -> Reals | None:
    """The shift that brings a grey picture onto another, float32 [2, h, w] (across, down); None where it is too large.

    one, other: float32 [h, w], registered but for the shift. both: where both show something.
    """
    still, moving = _even(one), _even(other)
    high, wide = one.shape
    down, across = np.mgrid[0:high, 0:wide].astype(np.float32)
    terms = _terms(down / high * 2 - 1, across / wide * 2 - 1)
    thin = np.s_[::STEP, ::STEP]
    known = terms[thin].reshape(-1, TERMS)
    solved: Reals = np.zeros((2, TERMS), np.float32)
    for _ in range(ROUNDS):
        shift = np.moveaxis(terms @ solved.T, -1, 0)
        moved = cv2.remap(moving, across + shift[0], down + shift[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        change = _solve(still, moved, both, known)
        solved += change
        if np.abs(known @ solved.T).max() > MOST:
            return None
        if np.abs(known @ change.T).max() < SETTLED:
            break
    return np.ascontiguousarray(np.moveaxis(terms @ solved.T, -1, 0))


def _solve(still: Reals, moved: Reals, both: NDArray[np.bool_], known: Reals) -> Reals:
    """The change of the polynomials that explains the difference best, float32 [2, TERMS]."""
    middle = (still + moved) / 2
    slopes = [cv2.Sobel(middle, -1, 1, 0, scale=1 / 8), cv2.Sobel(middle, -1, 0, 1, scale=1 / 8)]
    thin = np.s_[::STEP, ::STEP]
    left = np.hstack([slope[thin].reshape(-1, 1) * known for slope in slopes])
    right = (still - moved)[thin].ravel()
    weight = both[thin].ravel() / (1 + (right / 0.3) ** 2)
    weighted = (left * weight[:, None]).T
    normal = weighted @ left
    normal += np.eye(2 * TERMS, dtype=np.float32) * (1e-3 * np.trace(normal) / TERMS + 1e-3)
    return np.asarray(np.linalg.solve(normal, weighted @ right), np.float32).reshape(2, TERMS)


def _terms(down: Reals, across: Reals) -> Reals:
    return np.stack([np.ones_like(down), across, down, across * down, across * across, down * down], -1)


def _even(grey: Reals) -> Reals:
    """A grey picture in even light and contrast."""
    left = grey - cv2.GaussianBlur(grey, (0, 0), AROUND)
    return np.asarray(left / (np.sqrt(cv2.GaussianBlur(left * left, (0, 0), AROUND)) + FLAT))
