"""How a class above its maximum is cut: real images first, evenly over sub-classes, and by diversity sampling.

Each choice depends only on hash buckets and hashes of the images. So a new image replaces at most a few others.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.images import image_measures
from curation.selection import hash_buckets
from curation.tables.codes import Origin

Ints = NDArray[np.int64]
COMPARED = 20_000  # most images of a stratum that are compared, because the loop is quadratic
CHOICE = 10  # at most so many times the wanted images are compared


def above_maximum(frame: pd.DataFrame, hashes: pd.Series, most: Ints) -> NDArray[np.bool_]:
    """Bool [n]: the rows that their class has too many of; they become the reserve.

    frame: image_id, label, subclass, origin of the candidates.
    hashes: their column `hash` of IMAGES.
    most: int [n], the maximum of each row's class.
    """
    out = np.zeros(len(frame), bool)
    size = frame.groupby("label")["image_id"].transform("size").to_numpy()
    full = np.flatnonzero(size > most)
    if not len(full):
        return out
    work = frame.iloc[full][["label", "subclass", "origin"]].reset_index(drop=True)
    work["bucket"] = hash_buckets.buckets(frame["image_id"].iloc[full], "maximum")
    bits = image_measures.hashes(pd.DataFrame({"hash": hashes.iloc[full]}))[:, 0]
    for rows in work.groupby("label", sort=True).indices.values():
        taken = _class(work.iloc[rows], bits[rows], int(most[full[rows[0]]]))
        out[full[rows[~taken]]] = True
    return out


def _class(work: pd.DataFrame, bits: NDArray[np.uint64], most: int) -> NDArray[np.bool_]:
    """Bool [n]: which images of one class are kept; it has more than `most`."""
    subclass, number = pd.factorize(work["subclass"], sort=True)
    real = (work["origin"] == Origin.REAL).to_numpy()
    buckets = work["bucket"].to_numpy()
    kept = np.zeros(len(work), bool)
    for tier in (real, ~real):
        room = min(most - int(kept.sum()), int(tier.sum()))
        held = np.bincount(subclass[kept], minlength=len(number))
        there = np.bincount(subclass[tier], minlength=len(number))
        for sub, quota in enumerate(even_quotas(held, there, room)):
            rows = np.flatnonzero(tier & (subclass == sub))
            kept[_choose(rows, buckets, bits, int(quota))] = True
    return kept


def even_quotas(held: Ints, there: Ints, room: int) -> Ints:
    """How many images each sub-class gets, int [k], so that all end with nearly the same number.

    held: int [k], images that each sub-class has already. there: int [k], images that it can still give.
    room: how many images are distributed.
    """
    low, high = 0, int((held + there).max(initial=0))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.clip(middle - held, 0, there).sum() <= room else (low, middle - 1)
    got = np.clip(low - held, 0, there)
    more = np.flatnonzero((got < there) & (held + got <= low))[: room - int(got.sum())]
    got[more] += 1
    return np.asarray(got)


def _choose(rows: Ints, buckets: NDArray[np.float64], bits: NDArray[np.uint64], quota: int) -> Ints:
    """The `quota` most different of `rows`, by diversity sampling."""
    if quota >= len(rows):
        return rows
    if not quota:
        return rows[:0]
    ordered = rows[np.argsort(buckets[rows], kind="stable")][: max(quota, min(CHOICE * quota, COMPARED))]
    if len(ordered) == quota:
        return ordered
    from curation.selection.diversity import most_different  # loads a compiler, and few projects come here

    return ordered[most_different(bits[ordered], quota)]
