"""From the table IMAGES to the table DUPLICATES: whose twin, who stays, what stays together, who disagrees.

Leak groups come first, from a stream of candidates of which nothing but a union-find is kept; then, inside each group,
stars are drawn from the best image down, so every twin names a keeper that stays and was compared with it directly.
Stars do not look at labels: twins show the same picture whatever it is called, and `conflict` says who disagrees.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation import workers as pool
from curation.dedupe import twins
from curation.dedupe.groups import Cut, Known, arrays, components, leak_groups, link
from curation.dedupe.pictures import Pictures, from_frame
from curation.dedupe.ranking import keeper_order
from curation.images.labels import UNKNOWN
from curation.params.blocks import Dedupe

Rows = NDArray[np.int32]


@dataclass(frozen=True)
class Summary:
    """What was found, in numbers, and the chains that were cut."""

    images: int
    candidates: int
    verified: int
    twins: int
    leak_groups: int
    conflicts: int
    cuts: list[Cut] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Say it in words, a line each."""
        text = [
            f"{self.images:,} images, {self.candidates:,} candidate pairs, {self.verified:,} compared on their pixels",
            f"{self.twins:,} twins of an image that stays; {self.leak_groups:,} groups that splits keep together",
            f"{self.conflicts:,} images in a label conflict",
        ]
        return text + [
            f"a chain of {one.size:,} images was cut at similarity {one.similarity:.2f}: at most {one.largest:,} left"
            for one in self.cuts
        ]


def find_duplicates(images: pd.DataFrame, params: Dedupe, reviewed: Collection[str] = ()) -> pd.DataFrame:
    """Make the table DUPLICATES of a table IMAGES; `reviewed`: image_ids that a person decided on."""
    return find(from_frame(images), params, reviewed)[0]


def find(
    pictures: Pictures, params: Dedupe, reviewed: Collection[str] = (), workers: int = 0
) -> tuple[pd.DataFrame, Summary]:
    """Make the table DUPLICATES, and the numbers of the search. The result does not depend on `workers`."""
    facts = pictures.facts
    linked = link(pictures, params, workers)
    rank = np.empty(len(facts), np.int32)
    rank[keeper_order(facts, reviewed)] = np.arange(len(facts), dtype=np.int32)
    groups = list(components(linked.roots[-1]))
    table = _alone(facts)
    found = (
        np.full(len(facts), -1, np.int32),
        np.zeros(len(facts), np.int16),
        np.ones(len(facts), np.float32),
        np.zeros(len(facts), np.int8),
    )
    known = arrays(pictures)
    with ThreadPoolExecutor(pool.count(workers)) as threads:
        list(
            threads.map(
                lambda rows: twins.stars(known, rows[np.argsort(rank[rows])], params.min_similarity, found), groups
            )
        )
    ids = facts["image_id"].to_numpy(dtype=object)
    keeper = np.where(found[0] < 0, np.arange(len(facts)), found[0])
    table["keeper"], table["distance"], table["similarity"], table["orientation"] = ids[keeper], *found[1:]
    leak, cuts = leak_groups(linked, keeper.astype(np.int32), params)
    table["leak_group"] = ids[leak]
    table["conflict"] = conflicts(pictures, known, groups, params.min_similarity)
    sizes = table["leak_group"].value_counts()
    summary = Summary(
        images=len(facts),
        candidates=linked.candidates,
        verified=linked.verified,
        twins=int((found[0] >= 0).sum() - (found[0] == np.arange(len(facts))).sum()),
        leak_groups=int((sizes > 1).sum()),
        conflicts=int((table["conflict"] != "").sum()),
        cuts=sorted(cuts, reverse=True),
    )
    return table, summary


def conflicts(pictures: Pictures, known: Known, groups: list[Rows], least: float) -> list[str]:
    """For each image the other labels that its twins, or files with the same bytes, carry; joined by " / ", or ""."""
    told = pictures.facts["label"].where(~pictures.facts["label"].isin(["", UNKNOWN]))
    codes, names = pd.factorize(told, sort=True)
    others: list[set[str]] = [
        {label for label in copies if label not in ("", UNKNOWN, own)}
        for own, copies in zip(pictures.facts["label"], pictures.facts["copy_labels"], strict=True)
    ]
    carried = {row: set(found) for row, found in enumerate(others) if found}
    for rows in groups:
        kinds, local = np.unique(codes[rows], return_inverse=True)
        if len(kinds) == 1 and not carried.keys() & set(rows.tolist()):
            continue
        local = np.where(codes[rows] < 0, -1, local)
        seen = twins.disputes(known, rows, local, least, len(kinds))
        for place, kind in zip(*np.nonzero(seen), strict=True):
            others[rows[place]].add(names[kinds[kind]])
    return [" / ".join(sorted(found)) for found in others]


def _alone(facts: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"image_id": facts["image_id"]})
