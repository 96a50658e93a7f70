"""One side for every leak group, and what happens to images that would need another.

A group holds images that must not be separated. Where the lineage knows one of them, its side is the group's: benchmark
first (frozen for good), then train, val, test, since what an ancestor has seen more of can't be scored on any more.
Where it knows none, the group is drawn, in one of two ways (`split.mixed`):

    out      each image draws for itself, and is on its own side or out: none changes sides, whoever joins the group
    follow   one image, the lowest of a second lot, draws for all: nothing is lost, but a new twin may be that image
"""

import numpy as np
from numpy.typing import NDArray

from curation.params.blocks import Split
from curation.selection.minimum_counts import BENCHMARK, TEST, TRAIN, VAL, Bools, Floats, Ints

NONE = -1
CONTAMINATION = (TEST, VAL, TRAIN, BENCHMARK)  # the later wins


def known_sides(groups: Ints, known: Ints, number: int) -> Ints:
    """Side that the lineage (or a hand-made benchmark) gives each group, NONE where it has none.

    groups int [n] and known int [n] (a side or NONE) over every image there is, dropped twins included.
    """
    found = np.full(number, NONE, dtype=np.int64)
    for side in CONTAMINATION:
        found[groups[known == side]] = side
    return found


def anchors(groups: Ints, lots: Floats, rows: Bools, number: int) -> Ints:
    """Row of each group's lowest second lot among `rows`, -1 where the group has none of them."""
    chosen = np.flatnonzero(rows)
    order = chosen[np.argsort(lots[chosen], kind="stable")][::-1]
    found = np.full(number, -1, dtype=np.int64)
    found[groups[order]] = order
    return found


def choose(groups: Ints, sides: Ints, voters: Bools, lots: Floats, knobs: Split) -> Ints:
    """Side of each group from what its voters drew: benchmark if any did, else by lot over the sides drawn.

    A side's chance is the number of its voters over its fraction: so the fractions hold among the images that stay,
    exactly in pairs and in the limit of large groups. lots float64 [n]: the lowest of a group's voters decides for it.
    """
    number = int(groups.max(initial=-1)) + 1
    votes = np.zeros((number, 4))
    np.add.at(votes, (groups[voters], sides[voters]), 1)
    lot = np.ones(number)
    np.minimum.at(lot, groups[voters], lots[voters])
    size = votes.sum(axis=1)
    # The least of n lots is no fair lot; 1 - (1 - least)^n is.
    fair = 1 - (1 - lot) ** np.maximum(size, 1)
    shares = np.array([1 - knobs.val - knobs.test - knobs.benchmark, knobs.val, knobs.test])
    heap = np.cumsum(votes[:, [TRAIN, VAL, TEST]] / np.maximum(shares, 1e-9), axis=1)
    pick = (fair[:, None] * heap[:, -1:] >= heap).sum(axis=1).clip(max=2)
    side: Ints = np.array([TRAIN, VAL, TEST], dtype=np.int64)[pick]
    side[size == 0] = TRAIN
    side[votes[:, BENCHMARK] > 0] = BENCHMARK
    return side


def dominant(groups: Ints, sides: Ints, voters: Bools, number: int) -> Ints:
    """Side of each group when one draw holds for all: a minimum that took one of its images takes the group."""
    found = np.full(number, TRAIN, dtype=np.int64)
    for side in (VAL, TEST, BENCHMARK):
        found[groups[voters & (sides == side)]] = side
    return found


def factorize(values: NDArray[np.object_]) -> tuple[Ints, int]:
    """Number texts in the order of their sorting: (numbers [n], how many there are)."""
    import pandas as pd

    codes, names = pd.factorize(values, sort=True)
    numbers: Ints = codes.astype(np.int64)
    return numbers, len(names)
