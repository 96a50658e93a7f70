"""Minimum counts in val and test, topped up so that growth can only hand images back to train.

The lots lie on a circle: test | benchmark | val | train; train touches val at its lower end and test at its upper one.
A class that drew too few for val takes the images of train nearest to val's boundary, for test those nearest to test's.
"The k nearest" is a choice that further images can only narrow (Sen's property alpha), so an image once in train is
never taken. A sub-class takes the same way, but only within a band as wide as the fraction itself, whatever its size: a
threshold on its size would send an old image of train to val on the day it is crossed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.params.blocks import Split

TRAIN, VAL, TEST, BENCHMARK = range(4)
SIDES = ("train", "val", "test", "benchmark")
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Circle:
    """Where the sides lie in [0, 1): test from 0, then benchmark, val, and train up to 1."""

    test: float
    benchmark: float
    val: float

    @classmethod
    def of(cls, knobs: Split) -> "Circle":
        """Upper ends of the three evaluation sides."""
        return cls(knobs.test, knobs.test + knobs.benchmark, knobs.test + knobs.benchmark + knobs.val)

    def sides(self, lots: Floats) -> Ints:
        """The side each lot falls on."""
        ends = np.array([self.test, self.benchmark, self.val])
        return np.array([TEST, BENCHMARK, VAL, TRAIN])[np.searchsorted(ends, lots, side="right")]


def nearest(lots: Floats, keys: Ints, need: Ints, may: Bools) -> Bools:
    """Mark, for each key, the `need[key]` rows with the smallest lots among those that may be taken."""
    rows = np.flatnonzero(may & (need[keys] > 0))
    order = rows[np.lexsort((lots[rows], keys[rows]))]
    starts = np.flatnonzero(np.r_[True, np.diff(keys[order]) != 0]) if len(order) else order
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    taken = np.zeros(len(lots), bool)
    taken[order[place < need[keys[order]]]] = True
    return taken


def top_up(
    lots: Floats, sides: Ints, free: Bools, keys: tuple[Ints, Ints], least: tuple[Ints, Ints], knobs: Split
) -> Ints:
    """Sides int [n] after val and test have been filled up to their minimum.

    lots float64 [n] in [0, 1); sides int [n] as drawn or given; free bool [n]: drawn, not given by the lineage; keys:
    class and sub-class numbers [n], a sub-class of -1 is none; least: what val and test need for each class number.
    """
    classes, subs = keys
    circle = Circle.of(knobs)
    wanted = np.zeros((2, len(lots)), bool)
    for row, (side, minimum, width) in enumerate(((VAL, least[0], knobs.val), (TEST, least[1], knobs.test))):
        far = lots if side == VAL else -lots
        may = free & (sides == TRAIN)
        wanted[row] |= nearest(far, classes, minimum - counts(classes, sides == side, len(minimum)), may)
        band = may & (subs >= 0) & (lots < circle.val + width if side == VAL else lots >= 1 - width)
        number = int(subs.max(initial=-1)) + 1
        short = _least_of(subs, minimum[classes], number) - counts(subs, sides == side, number)
        wanted[row] |= nearest(far, np.maximum(subs, 0), short, band) if number else False
    middle = (circle.val + 1) / 2
    out = sides.copy()
    out[wanted[0] & (~wanted[1] | (lots < middle))] = VAL
    out[wanted[1] & (~wanted[0] | (lots >= middle))] = TEST
    return out


def promised(labels: Ints, knobs: Split, number: int) -> tuple[Ints, Ints]:
    """Images that val and test need at least of each class: the minimum, but never more than a quarter of the class.

    Where twins that drew different sides stay out, one image more is taken, in place of one that a twin pushes out.
    Counting those that are out would do the same, but then a new twin could pull an old image out of train.
    """
    quarter = np.bincount(labels, minlength=number) // 4
    spare = int(knobs.mixed == "out")
    val, test = (least + spare if least else 0 for least in (knobs.min_val, knobs.min_test))
    return np.minimum(val, quarter), np.minimum(test, quarter)


def counts(keys: Ints, mask: Bools, number: int) -> Ints:
    """How many marked rows each key has; rows with the key -1 don't count."""
    return np.bincount(keys[mask & (keys >= 0)], minlength=number)


def _least_of(keys: Ints, values: Ints, number: int) -> Ints:
    """The value of each key (all its rows have the same one)."""
    found = np.zeros(number, dtype=np.int64)
    found[keys[keys >= 0]] = values[keys >= 0]
    return found
