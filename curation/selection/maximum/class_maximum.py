"""How a class above its maximum is cut: a sample of it is held out, and the other places are for train.

Train has real images first, then staged and synthetic ones, evenly over sub-classes. Among the images of a sub-class
`cutoff.keep` decides: `random` takes them by hash bucket, `diverse` takes those that differ most. Each choice depends
only on hash buckets and hashes of the images. So a new image replaces at most a few others.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.images import image_measures
from curation.params import Params
from curation.selection import hash_buckets
from curation.selection.hash_buckets import TRAIN
from curation.selection.maximum.held_out_places import held_out_places, splits_before_cut
from curation.tables.codes import Origin

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
ORDER = "maximum"  # salt of the hash buckets that order the images of train
COMPARED = 20_000  # most images of a stratum that are compared, because the loop is quadratic
CHOICE = 10  # at most so many times the wanted images are compared


def above_maximum(frame: pd.DataFrame, hashes: pd.Series, most: Ints, params: Params) -> tuple[Bools, Ints]:
    """Bool [n]: the rows that their class has too many of; they become the reserve. int [n]: the split each is for.

    frame: image_id, label, subclass, origin, sampled, group and leak_group of the candidates, sorted by image_id.
    hashes: their column `hash` of IMAGES.
    most: int [n], the maximum of each row's class.
    """
    splits, place = splits_before_cut(frame, params.split)
    out = np.zeros(len(frame), bool)
    size = frame.groupby("label")["image_id"].transform("size").to_numpy()
    full = np.flatnonzero(size > most)
    if not len(full):
        return out, splits
    work = frame.iloc[full][["label", "subclass", "origin"]].reset_index(drop=True)
    work["bucket"] = hash_buckets.buckets(frame["image_id"].iloc[full], ORDER)
    bits = image_measures.hashes(pd.DataFrame({"hash": hashes.iloc[full]}))[:, 0]
    for found in work.groupby("label", sort=True).indices.values():
        rows = np.asarray(found)
        limit, real = int(most[full[rows[0]]]), (work["origin"].iloc[rows] == Origin.REAL).to_numpy()
        kept = np.zeros(len(rows), bool)
        kept[real], room = held_out_places(splits[full[rows]][real], place[full[rows]][real], limit, params.split)
        train = np.flatnonzero(splits[full[rows]] == TRAIN)
        rooms = (room, limit - int(kept.sum()) - room)
        chosen = _chosen(work.take(rows[train]), bits[rows[train]], rooms, diverse=params.cutoff.keep == "diverse")
        kept[train[chosen]] = True
        out[full[rows[~kept]]] = True
    return out, splits


def _chosen(work: pd.DataFrame, bits: NDArray[np.uint64], rooms: tuple[int, int], *, diverse: bool) -> Bools:
    """Bool [n]: which images of one class are trained on. rooms: how many real ones, and how many others."""
    subclass, number = pd.factorize(work["subclass"], sort=True)
    real = (work["origin"] == Origin.REAL).to_numpy()
    buckets = work["bucket"].to_numpy()
    kept = np.zeros(len(work), bool)
    for tier, room in ((real, rooms[0]), (~real, rooms[1])):
        held = np.bincount(subclass[kept], minlength=len(number))
        there = np.bincount(subclass[tier], minlength=len(number))
        for sub, quota in enumerate(even_quotas(held, there, min(room, int(tier.sum())))):
            rows = np.flatnonzero(tier & (subclass == sub))
            ordered = rows[np.argsort(buckets[rows], kind="stable")]
            kept[_most_different(ordered, bits, int(quota)) if diverse else ordered[:quota]] = True
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


def _most_different(ordered: Ints, bits: NDArray[np.uint64], quota: int) -> Ints:
    """The `quota` most different rows by diversity sampling. ordered: the rows in the order of their hash buckets."""
    few = ordered[: max(quota, min(CHOICE * quota, COMPARED))]
    if quota >= len(few) or not quota:
        return few[:quota]
    from curation.selection.maximum.diversity import most_different  # loads a compiler, and few projects come here

    return few[most_different(bits[few], quota)]
