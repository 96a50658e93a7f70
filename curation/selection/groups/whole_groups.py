"""Minimum counts of val and test where images come in groups, and a class that would be in no training set.

A group goes to a split as a whole. So a minimum that lacks one image may have to take thirty, and a class of few
groups could lose all of its training images. Here the groups nearest to the border of val or test are taken, test
first, as long as train keeps a third of each of their classes. A class whose groups all have hash buckets of other
splits gets back into train the group that is nearest to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from curation.selection.hash_buckets import TEST, TRAIN, VAL, Floats, Ints
from curation.selection.split_minimums import Bools, counts

KEPT = 1 / 3  # share of a class that stays in train when a minimum takes a group


@dataclass(frozen=True)
class Groups:
    """Groups that get one split as a whole: the rows in them, and what is known of each row; arrays [n]."""

    of_row: Ints  # number of the group
    movable: Bools  # rows of groups with more than one row, whose split is from the hash bucket
    label: Ints
    bucket: Floats  # the same for all rows of a group


def top_up_whole(groups: Groups, splits: Ints, least: tuple[Ints, Ints]) -> Ints:
    """Splits int [n] after whole groups of train filled val and test, where single images were not enough.

    splits: int [n], -1 where a row is in none. least: images that val and test need, for each class number.
    """
    out, number = splits.copy(), len(least[0])
    members = _members(groups, out == TRAIN)
    train, size = (counts(groups.label, rows, number) for rows in (out == TRAIN, out >= 0))
    for split, need in ((TEST, least[1]), (VAL, least[0])):
        have = counts(groups.label, out == split, number)
        for label, near in _by_class(groups, members, np.flatnonzero(have < need), split == VAL):
            for group in near:
                rows = members[group]
                taken = np.bincount(groups.label[rows], minlength=number)
                spared = (train - taken >= size * KEPT)[taken > 0].all()
                if have[label] < need[label] and spared and (out[rows] == TRAIN).all():
                    out[rows] = split
                    have, train = have + taken, train - taken
    return out


def back_into_train(groups: Groups, splits: Ints, number: int) -> Ints:
    """Splits int [n] after each class without an image in train got its nearest group there, where it has a group.

    number: how many classes there are. Val is nearest to train, then comes the benchmark, then test.
    """
    out = splits.copy()
    train, size = (counts(groups.label, rows, number) for rows in (out == TRAIN, out >= 0))
    missing = np.flatnonzero((size > 0) & (train == 0))
    if len(missing):
        members = _members(groups, out >= 0)
        for label, near in _by_class(groups, members, missing, nearest_to_val=False):
            if not train[label]:
                out[members[near[0]]] = TRAIN
                train += np.bincount(groups.label[members[near[0]]], minlength=number)
    return out


def _members(groups: Groups, rows: Bools) -> dict[int, Ints]:
    """The rows of each group, of those that may be moved, by its number."""
    chosen = np.flatnonzero(rows & groups.movable)
    places = pd.Series(chosen).groupby(groups.of_row[chosen]).indices
    return {int(str(group)): chosen[where] for group, where in places.items()}


def _by_class(
    groups: Groups, members: dict[int, Ints], labels: Ints, nearest_to_val: bool
) -> Iterator[tuple[int, list[int]]]:
    """Each of these classes that has groups, with the groups in the order of their hash buckets."""
    rows = np.concatenate([*members.values(), np.empty(0, np.int64)]).astype(np.int64)
    table = pd.DataFrame({"group": groups.of_row[rows], "label": groups.label[rows], "bucket": groups.bucket[rows]})
    table = table[table["label"].isin(labels)].drop_duplicates(["group", "label"])
    table = table.sort_values(["label", "bucket", "group"], ascending=[True, nearest_to_val, True], kind="stable")
    for label in sorted(table["label"].unique().tolist()):
        yield label, table.loc[table["label"] == label, "group"].tolist()
