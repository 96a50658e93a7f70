"""How val and test get their minimum number of images of each class. Later images never move one out of train.

The hash buckets 0 to 1 form a circle of ranges: test, benchmark, val, train. Train touches val at its lower end and
test at its upper end. A class with too few images in val takes the images of train nearest to the border with val; for
test, those nearest to the border with test. "The k nearest" is a choice that further images can only narrow (Sen's
property alpha), so an image that stayed in train once stays there when more images come.

A sub-class is treated in the same way, but only within a band as wide as the fraction itself, whatever the size of the
sub-class. A threshold on its size would move an old image from train to val on the day when the size is reached.
"""

import numpy as np
from numpy.typing import NDArray

from curation.params.blocks import Split
from curation.selection.hash_buckets import TEST, TRAIN, VAL, Floats, Ints, SplitRanges

Bools = NDArray[np.bool_]


def nearest(buckets: Floats, keys: Ints, need: Ints, may: Bools) -> Bools:
    """Mark the `need[key]` rows of each key with the smallest buckets, among those that may be taken; bool [n]."""
    rows = np.flatnonzero(may & (need[keys] > 0))
    order = rows[np.lexsort((buckets[rows], keys[rows]))]
    starts = np.flatnonzero(np.r_[True, np.diff(keys[order]) != 0]) if len(order) else order
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    taken = np.zeros(len(buckets), bool)
    taken[order[rank < need[keys[order]]]] = True
    return taken


def top_up(
    buckets: Floats, splits: Ints, free: Bools, keys: tuple[Ints, Ints], least: tuple[Ints, Ints], config: Split
) -> Ints:
    """Splits int [n] after val and test are filled up to their minimum.

    buckets: float64 [n] in [0, 1).
    splits: int [n], from the hash bucket or from the lineage.
    free: bool [n], whose split is from the hash bucket and not from the lineage.
    keys: numbers int [n] of class and sub-class; a sub-class of -1 is none.
    least: images that val and test need, for each class number.
    """
    classes, subs = keys
    ranges = SplitRanges.of(config)
    wanted = np.zeros((2, len(buckets)), bool)
    for row, (split, minimum, width) in enumerate(((VAL, least[0], config.val), (TEST, least[1], config.test))):
        far = buckets if split == VAL else -buckets
        may = free & (splits == TRAIN)
        wanted[row] |= nearest(far, classes, minimum - counts(classes, splits == split, len(minimum)), may)
        band = may & (subs >= 0) & (buckets < ranges.val + width if split == VAL else buckets >= 1 - width)
        number = int(subs.max(initial=-1)) + 1
        short = _least_of(subs, minimum[classes], number) - counts(subs, splits == split, number)
        wanted[row] |= nearest(far, np.maximum(subs, 0), short, band) if number else False
    middle = (ranges.val + 1) / 2
    out = splits.copy()
    out[wanted[0] & (~wanted[1] | (buckets < middle))] = VAL
    out[wanted[1] & (~wanted[0] | (buckets >= middle))] = TEST
    return out


def minimums_of_splits(labels: Ints, config: Split, number: int) -> tuple[Ints, Ints]:
    """Images that val and test need of each class, int [number] each: the minimum, but at most a quarter of the class.

    With `mixed: out`, copies in different splits can be out, so one image more is taken. Counting the images that are
    out would do the same, but then a new copy could move an old image out of train.
    """
    quarter = np.bincount(labels, minlength=number) // 4
    spare = int(config.mixed == "out")
    val, test = (least + spare if least else 0 for least in (config.min_val, config.min_test))
    return np.minimum(val, quarter), np.minimum(test, quarter)


def counts(keys: Ints, mask: Bools, number: int) -> Ints:
    """Number of marked rows of each key; rows with the key -1 do not count."""
    return np.bincount(keys[mask & (keys >= 0)], minlength=number)


def _least_of(keys: Ints, values: Ints, number: int) -> Ints:
    """The value of each key; all rows of a key have the same value."""
    found = np.zeros(number, dtype=np.int64)
    found[keys[keys >= 0]] = values[keys >= 0]
    return found
