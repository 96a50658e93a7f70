"""Which images of a class above its maximum are in val, test and benchmark: a sample of the class as collected.

The maximum must not choose what a model is measured on. Fashion-MNIST with 1,600 images a class and a maximum of 400
showed 7 points less on test than on the classes as collected, because the most different images were kept. So the hash
bucket says first which split an image is for. Each split then has its share of the maximum, and its places go to the
images with the lowest of another hash bucket. Nothing about the images decides, so each has the same chance. That is
stratified sampling without replacement.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.params.blocks import Split
from curation.selection import group_splits, hash_buckets
from curation.selection.hash_buckets import BENCHMARK, TEST, TRAIN, VAL, Floats, Ints, SplitRanges
from curation.tables.codes import Origin, Sampled

Bools = NDArray[np.bool_]
HELD_OUT = (TEST, BENCHMARK, VAL)


def measurable(frame: pd.DataFrame) -> Bools:
    """Bool [n]: images that may be measured on: real ones that no model chose. frame: origin and sampled."""
    return ((frame["origin"] == Origin.REAL) & (frame["sampled"] != Sampled.MODEL)).to_numpy(dtype=bool)


def splits_before_cut(frame: pd.DataFrame, config: Split) -> tuple[Ints, Floats]:
    """The split that the hash bucket gives each image, int [n], and its place in the order of its class, float64 [n].

    frame: image_id, group, leak_group, origin and sampled of all candidates, sorted by image_id.
    With `split.mixed: follow` the images of a leak group have the bucket and the place of the image that decides for
    the group, so a group is taken as a whole. What may not be measured on is for train, and has a place of its own.
    """
    may = measurable(frame)
    unit = group_splits.units(frame)
    bucket = hash_buckets.buckets(unit, config.salt)
    place = hash_buckets.buckets(unit, f"{config.salt}/maximum")
    if config.mixed == "follow":
        group, number = group_splits.factorize(frame["leak_group"].to_numpy())
        second = hash_buckets.buckets(unit, f"{config.salt}/group")
        deciding = group_splits.deciding_rows(group, second, may, number)[group[may]]
        bucket[may], place[may] = bucket[deciding], place[deciding]
    return np.where(may, SplitRanges.of(config).splits(bucket), TRAIN), place


def held_out_places(splits: Ints, place: Floats, most: int, config: Split) -> tuple[Bools, int]:
    """Which images of one class are held out, bool [n], and how many real images train may still have.

    splits, place: [n], of the real images of the class; `most` is the maximum of the class. Each split has its share of
    the maximum. Places that train can't fill go to further held-out images, so that no real image is left out while
    there is room.
    """
    taken = np.zeros(len(splits), bool)
    room = most
    for split in HELD_OUT:
        rows = np.flatnonzero(splits == split)
        chosen = rows[np.argsort(place[rows], kind="stable")][: min(_share(split, most, config), room)]
        taken[chosen] = True
        room -= len(chosen)
    train = min(room, int((splits == TRAIN).sum()))
    rest = np.flatnonzero(~taken & (splits != TRAIN))
    taken[rest[np.argsort(place[rest], kind="stable")][: room - train]] = True
    return taken, train


def _share(split: int, most: int, config: Split) -> int:
    """How many images of a full class are in one split: its fraction, and no less than its minimum count."""
    fraction, least = {
        TEST: (config.test, config.min_test),
        VAL: (config.val, config.min_val),
        BENCHMARK: (config.benchmark, 0),
    }[split]
    return max(round(most * fraction), min(least, most // 4))
