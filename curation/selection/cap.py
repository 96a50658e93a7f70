"""Which images of a class that is too large stay: real before staged, even over sub-classes, the most different.

Every choice is a matter of the images' own lots and hashes, so a new image takes at most the place of a few others.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.images import image_measures
from curation.selection import hash_buckets
from curation.selection.diversity import most_different

Ints = NDArray[np.int64]
COMPARED = 20_000  # images of a stratum that are compared at most: the loop is quadratic in them
CHOICE = 10  # so many times the images wanted are compared, which is choice enough


def spare(frame: pd.DataFrame, hashes: pd.Series, most: Ints) -> NDArray[np.bool_]:
    """Bool [n]: the rows above the maximum of their class.

    frame: image_id, label, subclass, origin of the candidates; hashes: their column `hash` of IMAGES; most: the maximum
    of each row's class.
    """
    out = np.zeros(len(frame), bool)
    size = frame.groupby("label")["image_id"].transform("size").to_numpy()
    full = np.flatnonzero(size > most)
    if not len(full):
        return out
    work = frame.iloc[full][["label", "subclass", "origin"]].reset_index(drop=True)
    work["lot"] = hash_buckets.uniform(frame["image_id"].iloc[full], "maximum")
    bits = image_measures.hashes(pd.DataFrame({"hash": hashes.iloc[full]}))[:, 0]
    for rows in work.groupby("label", sort=True).indices.values():
        taken = _class(work.iloc[rows], bits[rows], int(most[full[rows[0]]]))
        out[full[rows[~taken]]] = True
    return out


def _class(work: pd.DataFrame, bits: NDArray[np.uint64], most: int) -> NDArray[np.bool_]:
    """Bool [n]: what is kept of one class that has more than `most` images."""
    subclass, number = pd.factorize(work["subclass"], sort=True)
    real = (work["origin"] == "real").to_numpy()
    lots = work["lot"].to_numpy()
    kept = np.zeros(len(work), bool)
    for tier in (real, ~real):
        room = min(most - int(kept.sum()), int(tier.sum()))
        held = np.bincount(subclass[kept], minlength=len(number))
        there = np.bincount(subclass[tier], minlength=len(number))
        for sub, quota in enumerate(level(held, there, room)):
            rows = np.flatnonzero(tier & (subclass == sub))
            kept[_choose(rows, lots, bits, int(quota))] = True
    return kept


def level(held: Ints, there: Ints, room: int) -> Ints:
    """Deal `room` places so that sub-classes end even: how many of `there` each gets beside what it holds."""
    low, high = 0, int((held + there).max(initial=0))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.clip(middle - held, 0, there).sum() <= room else (low, middle - 1)
    got = np.clip(low - held, 0, there)
    more = np.flatnonzero((got < there) & (held + got <= low))[: room - int(got.sum())]
    got[more] += 1
    return np.asarray(got)


def _choose(rows: Ints, lots: NDArray[np.float64], bits: NDArray[np.uint64], quota: int) -> Ints:
    """The `quota` most different of `rows`."""
    if quota >= len(rows):
        return rows
    if not quota:
        return rows[:0]
    ordered = rows[np.argsort(lots[rows], kind="stable")][: max(quota, min(CHOICE * quota, COMPARED))]
    return ordered if len(ordered) == quota else ordered[most_different(bits[ordered], quota)]
