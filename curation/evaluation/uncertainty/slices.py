"""The accuracy of slices: the images that have one value in a column of the metadata, such as one camera or one site.

A model that is good on average can fail on one slice (Chung et al. 2019, "Slice Finder"). Many slices are looked at,
and of many small ones some look bad by chance. So all intervals of one kind hold together at 95 % (Bonferroni), and a
slice is called worse or better only where the interval of its difference to the other images excludes 0 (Newcombe 1998,
method 10 for separate samples). The intervals are those of Clopper and Pearson (1934): at so high a level Wilson's miss
more often than they say, where few images are wrong.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.evaluation.uncertainty.intervals import LEVEL, Groups, Interval, exact_share, of_difference
from curation.predict.proportions import effective_size

LEAST_IMAGES = 20  # fewer say too little of a value
VALUES = range(2, 21)  # numbers of values that a column may have: with more it names images, and not kinds of them

Flags = NDArray[np.bool_]


class Slice(NamedTuple):
    """The images with one value in one column; shares from 0 to 1."""

    column: str
    value: str
    images: int
    accuracy: float
    interval: Interval
    difference: float  # to the accuracy of all other images
    difference_interval: Interval

    @property
    def verdict(self) -> str:
        """What the difference shows."""
        low, high = self.difference_interval
        return "worse than the others" if high < 0 else "better than the others" if low > 0 else "can't tell"


def slices(right: Flags, groups: Groups, columns: Mapping[str, "pd.Series[str]"]) -> list[Slice]:
    """The slices with at least 20 images of the columns with 2 to 20 values, by column and value.

    - right: bool [n], whether the answer is right
    - groups: int [n], the leak group of each image
    - columns: name -> the value of each image [n], "" where it has none
    """
    masks = list(_masks(columns))
    level = 1 - (1 - LEVEL) / max(len(masks), 1)
    return [_slice(right, groups, one, level) for one in masks]


def _masks(columns: Mapping[str, "pd.Series[str]"]) -> Iterator[tuple[str, str, Flags]]:
    for name in sorted(columns):
        codes, values = pd.factorize(columns[name].to_numpy(object), sort=True)
        counts = np.bincount(codes, minlength=len(values)) * (values != "")
        if np.count_nonzero(counts) in VALUES:
            for code in np.flatnonzero(counts >= LEAST_IMAGES):
                yield name, str(values[code]), codes == code


def _slice(right: Flags, groups: Groups, one: tuple[str, str, Flags], level: float) -> Slice:
    column, value, mask = one
    rate, limits = _rate(right[mask], groups[mask], level)
    other, others = _rate(right[~mask], groups[~mask], level)
    apart = of_difference(rate, limits, other, others)
    return Slice(column, value, int(mask.sum()), rate, limits, rate - other, apart)


def _rate(right: Flags, groups: Groups, level: float) -> tuple[float, Interval]:
    """The share of right images, and its interval at `level`."""
    rate = float(right.mean())
    return rate, exact_share(rate, effective_size(right.astype(np.float64), groups), level)
