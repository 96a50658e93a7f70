"""A split by time (`split.newest`): the newest captures of each class are in test, in whole leak groups.

A model is used on images that are taken after those it learnt from. A test drawn at random from all of time does not
ask that of it, so it says too much where the world changes (Bergmeir et al. 2018 on time series; WILDS, Koh et al.
2021). Only images that no earlier model knew are chosen from: what was trained on stays in train, and what was in test
stays there. So each round adds the newest of its new images to test. A share of each class is taken, because else a
class that is new would be in test alone.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.selection.hash_buckets import TEST, TRAIN, Floats, Ints
from curation.selection.split_minimums import Bools, counts
from curation.tables.codes import Basis, Split

LEFT = 1 / 2  # share of a class that is not taken, so that a class of few groups is still trained on


@dataclass(frozen=True)
class Captures:
    """The images that may be chosen, and what is known of all; arrays [n]."""

    free: Bools
    group: Ints  # leak group
    label: Ints
    seconds: Floats  # NaN where nobody knows
    bucket: Floats  # decides among equal times


def by_time(captures: Captures, splits: Ints, share: float) -> tuple[Ints, NDArray[np.bool_]]:
    """Put the newest `share` of each class into test, and other images with a time that test would have into train.

    splits: int [n] as hash buckets and lineage give them. Returns the new splits, and which rows were chosen.
    """
    dated = captures.free & ~np.isnan(captures.seconds)
    chosen = np.isin(captures.group, list(_newest_groups(captures, dated, share))) & captures.free
    out = splits.copy()
    out[dated & (splits == TEST)] = TRAIN
    out[chosen] = TEST
    return out, chosen


def _newest_groups(captures: Captures, dated: Bools, share: float) -> set[int]:
    """The leak groups that are taken: class by class, those with the newest captures first, until the share is full."""
    number = int(captures.label.max(initial=-1)) + 1
    size = counts(captures.label, dated, number)
    wanted = np.round(share * size).astype(np.int64)
    have = np.zeros(number, np.int64)
    rows = pd.DataFrame({"row": np.flatnonzero(dated)})
    for name, values in (("group", captures.group), ("label", captures.label), ("time", captures.seconds)):
        rows[name] = values[dated]
    rows["bucket"] = captures.bucket[dated]
    rows = rows.sort_values(["time", "bucket", "group"], ascending=[False, True, True], kind="stable")
    members = rows.groupby("group")["label"].agg(list).to_dict()
    taken: set[int] = set()
    full = np.zeros(number, bool)
    for group, label in zip(rows["group"].tolist(), rows["label"].tolist(), strict=True):
        if group in taken or full[label] or have[label] >= wanted[label]:
            continue
        more = np.bincount(members[group], minlength=number)
        if (have + more > size * (1 - LEFT))[more > 0].any():
            full[label] = True  # an older group instead would leave newer images in train
            continue
        taken.add(group)
        have += more
    return taken


def lines_on_newest(splits: pd.DataFrame, selection: pd.DataFrame, seconds: Floats) -> list[str]:
    """What the split by time did, in sentences. seconds: float [n], when the rows of SELECTION were captured."""
    times = pd.Series(seconds, index=selection["image_id"]).reindex(splits["image_id"])
    rows = splits.assign(time=times.to_numpy())
    in_test = rows[(rows["split"] == Split.TEST) & (rows["basis"] == Basis.NEWEST)]
    train = rows[rows["split"] == Split.TRAIN]
    first = in_test.groupby("label")["time"].min()
    newer = train["time"] > train["label"].map(first)
    known = newer & train["basis"].isin([Basis.LINEAGE, Basis.LINEAGE_OF_COPY])
    undated = rows["time"].isna() & rows["split"].isin([Split.TRAIN, Split.VAL, Split.TEST])
    said = [f"split.newest: {len(in_test):,} of the newest captures are in test"]
    if known.any():
        said.append(f"{int(known.sum()):,} captures as new as they stay in train, because an earlier model learnt them")
    if undated.any():
        said.append(f"{int(undated.sum()):,} images have no time that can be read; their hash buckets decide")
    return said
