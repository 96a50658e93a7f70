"""The power law of a learning curve, and how sure it is.

Hestness et al. (2017) found that the error falls as floor + scale * images ** -power. The law is fitted by least
squares: for each power of a grid, floor and scale have a closed form. So hundreds of resampled curves are fitted at
once, and their percentiles are the range of what the law says (bootstrap, Efron 1979).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.errors import CurationError

POWERS = np.geomspace(0.01, 2, 120)
LEAST_POINTS = 3

Reals = NDArray[np.float64]


class CurveError(CurationError):
    """No curve can be made from the data."""


@dataclass(frozen=True)
class Law:
    """The fitted law: error = floor + scale * images ** -power."""

    floor: float
    scale: float
    power: float

    def accuracy(self, images: float) -> float:
        """Return the accuracy that the law expects with this number of images."""
        return float(1 - min(1.0, self.floor + self.scale * images**-self.power))


def fit_law(images: Sequence[float], accuracy: Sequence[float]) -> Law:
    """Fit the law to at least 3 measured points with equal weights. CurveError when there are fewer."""
    sizes, errors = np.asarray(images, float), 1 - np.asarray(accuracy, float)
    if len(sizes) < LEAST_POINTS:
        raise CurveError("a learning curve needs at least 3 points: raise --points")
    floor, scale, power = (float(part[0]) for part in _fitted(sizes, errors[None]))
    return Law(floor, scale * float(sizes.min()) ** power, power)


def expected(images: Reals, accuracy: Reals, wanted: Reals) -> Reals:
    """Accuracy [b, w] that laws expect with `wanted` [w] images; each law is fitted to one row of `accuracy` [b, p]."""
    floor, scale, power = _fitted(images, 1 - accuracy)
    errors = floor[:, None] + scale[:, None] * (wanted[None] / images.min()) ** -power[:, None]
    return np.asarray(1 - np.minimum(errors, 1.0))


def _fitted(images: Reals, errors: Reals) -> tuple[Reals, Reals, Reals]:
    """Floor, scale and power [b] of errors [b, p]; the scale is for images in units of the smallest part."""
    terms = (images / images.min())[None] ** -POWERS[:, None]  # [q, p]
    apart = terms - terms.mean(axis=1, keepdims=True)
    middle = errors.mean(axis=1, keepdims=True)  # [b, 1]
    scale = (errors @ apart.T) / np.maximum((apart**2).sum(axis=1), 1e-12)  # [b, q]
    scale = np.maximum(scale, 0)
    floor = middle - scale * terms.mean(axis=1)
    below = floor < 0
    scale = np.where(below, np.maximum(errors @ terms.T / (terms**2).sum(axis=1), 0), scale)
    floor = np.where(below, 0, floor)
    missed = ((errors[:, None] - floor[..., None] - scale[..., None] * terms[None]) ** 2).sum(axis=2)
    best = missed.argmin(axis=1)
    rows = np.arange(len(errors))
    return floor[rows, best], scale[rows, best], POWERS[best]
