"""Which split a leak group gets, and which of its images stay out.

A group holds images that a split must not separate. If the lineage knows one of them, its split is that of the group.
If the lineage knows several, the first of this list wins, because an image that a model was trained on must not be
scored: benchmark (frozen for good), train, val, test. If the lineage knows none, hash buckets decide, in one of two
ways (`split.mixed`):

- `out`: each image has its own hash bucket. The group gets one of the splits of its images, and images of another split
  are out. No image ever changes its split when others join the group.
- `follow`: the image with the lowest second hash bucket decides for all. No image is out, but a new copy may become the
  image that decides.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.params.blocks import Split
from curation.selection.hash_buckets import BENCHMARK, TEST, TRAIN, VAL, Floats, Ints
from curation.selection.split_minimums import Bools

NONE = -1
PRECEDENCE = (TEST, VAL, TRAIN, BENCHMARK)  # the later wins


def units(rows: pd.DataFrame) -> "pd.Series[str]":
    """What has one hash bucket: the group of the metadata, or an image that is in none. rows: image_id and group."""
    return rows["image_id"].where(rows["group"] == "", rows["group"])


def lineage_splits(groups: Ints, known: Ints, number: int) -> Ints:
    """Split that the lineage (or a hand-made benchmark) gives each group, int [number]; NONE where it gives none.

    groups: int [n], group of every image, dropped copies included.
    known: int [n], split of every image in the lineage, or NONE.
    """
    found = np.full(number, NONE, dtype=np.int64)
    for split in PRECEDENCE:
        found[groups[known == split]] = split
    return found


def deciding_rows(groups: Ints, buckets: Floats, rows: Bools, number: int) -> Ints:
    """Row that decides for each group, int [number]: the lowest second hash bucket among `rows`; -1 without any."""
    chosen = np.flatnonzero(rows)
    order = chosen[np.argsort(buckets[chosen], kind="stable")][::-1]
    found = np.full(number, -1, dtype=np.int64)
    found[groups[order]] = order
    return found


def choose_splits(groups: Ints, splits: Ints, voters: Bools, buckets: Floats, config: Split) -> Ints:
    """Split of each group, from the splits of its voters: benchmark if one has it, else by a second hash bucket.

    The probability of a split is proportional to the number of its voters divided by its fraction. So the fractions
    hold among the images that stay, exactly for pairs and in the limit of large groups.

    groups, splits: int [n]. voters: bool [n], the images that decide.
    buckets: float64 [n], second hash buckets; the lowest of a group's voters decides for it.
    """
    number = int(groups.max(initial=-1)) + 1
    votes = np.zeros((number, 4))
    np.add.at(votes, (groups[voters], splits[voters]), 1)
    lowest = np.ones(number)
    np.minimum.at(lowest, groups[voters], buckets[voters])
    size = votes.sum(axis=1)
    # The lowest of n buckets is not uniform; 1 - (1 - lowest)^n is.
    fair = 1 - (1 - lowest) ** np.maximum(size, 1)
    shares = np.array([1 - config.val - config.test - config.benchmark, config.val, config.test])
    heap = np.cumsum(votes[:, [TRAIN, VAL, TEST]] / np.maximum(shares, 1e-9), axis=1)
    pick = (fair[:, None] * heap[:, -1:] >= heap).sum(axis=1).clip(max=2)
    split: Ints = np.array([TRAIN, VAL, TEST], dtype=np.int64)[pick]
    split[size == 0] = TRAIN
    split[votes[:, BENCHMARK] > 0] = BENCHMARK
    return split


def dominant(groups: Ints, splits: Ints, voters: Bools, number: int) -> Ints:
    """Split of each group for `mixed: follow`: where a minimum took one of its images, it takes the whole group."""
    found = np.full(number, TRAIN, dtype=np.int64)
    for split in (VAL, TEST, BENCHMARK):
        found[groups[voters & (splits == split)]] = split
    return found


def factorize(values: NDArray[np.object_]) -> tuple[Ints, int]:
    """Number texts in sorted order: (numbers int [n], how many different texts)."""
    codes, names = pd.factorize(values, sort=True)
    numbers: Ints = codes.astype(np.int64)
    return numbers, len(names)
