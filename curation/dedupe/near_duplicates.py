"""From the table IMAGES to the table DUPLICATES: the keeper of every image, its leak group, and its label conflict.

Leak groups come first, from a stream of candidates of which only a union-find is kept. Then each group of copies is
divided into clusters, from the best image down. So every copy names a keeper that stays, and was compared with it
directly. Labels play no part in this: copies show the same picture whatever its label, and the column `conflict` says
which labels disagree.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.dedupe import cluster_kernels
from curation.dedupe.image_arrays import Pictures, from_frame, release
from curation.dedupe.keeper_ranking import keeper_order
from curation.dedupe.leak_groups import Arrays, Cut, arrays, components, leak_groups, link
from curation.engine.mapping import chunks
from curation.engine.processes import count
from curation.params.blocks import Dedupe
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Relation

Rows = NDArray[np.int32]
GROUPS = 256  # groups that a thread divides into clusters at a time


@dataclass(frozen=True)
class Summary:
    """Numbers of the search, and the chains that were cut."""

    images: int
    candidates: int
    verified: int
    copies: int
    leak_groups: int
    conflicts: int
    cuts: list[Cut] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The numbers as sentences, one a line."""
        text = [
            f"{self.images:,} images, {self.candidates:,} candidate pairs, {self.verified:,} compared on their pixels",
            f"{self.copies:,} copies of an image that stays; {self.leak_groups:,} groups that splits keep together",
            f"{self.conflicts:,} images in a label conflict",
        ]
        return text + [
            f"a chain of {one.size:,} images was cut at similarity {one.similarity:.2f}: at most {one.largest:,} left"
            for one in self.cuts
        ]


def find_duplicates(images: pd.DataFrame, params: Dedupe, reviewed: Collection[str] = ()) -> pd.DataFrame:
    """Make the table DUPLICATES from a table IMAGES, one row for each readable image.

    reviewed: image_ids that a person decided on; they are preferred as keepers.
    """
    return find(from_frame(images), params, reviewed)[0]


def find(
    pictures: Pictures, params: Dedupe, reviewed: Collection[str] = (), workers: int = 0
) -> tuple[pd.DataFrame, Summary]:
    """Make the table DUPLICATES and the numbers of the search. The result does not depend on `workers`."""
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

    def divide(part: list[Rows]) -> None:
        for rows in part:
            cluster_kernels.clusters(known, rows[np.argsort(rank[rows])], params.min_similarity, found)
        release(pictures.thumbnails)

    with ThreadPoolExecutor(count(workers)) as threads:
        list(threads.map(divide, chunks(groups, GROUPS)))
    ids = facts["image_id"].array  # an array avoids a million Python strings
    keeper = np.where(found[0] < 0, np.arange(len(facts)), found[0])
    table["keeper"], table["distance"], table["similarity"], table["orientation"] = ids.take(keeper), *found[1:]
    leak, cuts = leak_groups(linked, keeper.astype(np.int32), params)
    table["leak_group"] = ids.take(leak)
    alone = (np.bincount(leak, minlength=len(leak)) == 1)[leak]
    table["relation"] = np.where(
        table["keeper"] != ids, Relation.COPY, np.where(alone, Relation.NONE, Relation.SAME_SCENE)
    )
    table = table.assign(same_pixels=False, scene=table["leak_group"], marked_copy_of="")
    named = conflicts(pictures, known, groups, params.min_similarity)
    table["conflict"] = [named.get(row, "") for row in range(len(facts))]
    summary = Summary(
        images=len(facts),
        candidates=linked.candidates,
        verified=linked.verified,
        copies=int((found[0] >= 0).sum() - (found[0] == np.arange(len(facts))).sum()),
        leak_groups=int((np.bincount(leak) > 1).sum()),
        conflicts=len(named),
        cuts=sorted(cuts, reverse=True),
    )
    return table, summary


def conflicts(pictures: Pictures, known: Arrays, groups: list[Rows], least: float) -> dict[int, str]:
    """For each row in conflict, the other labels of its copies or of files with the same bytes, joined by " / ".

    least: the similarity from which an image is a copy.
    """
    labels = pictures.facts["label"]
    codes, names = pd.factorize(labels.where(~labels.isin(["", UNKNOWN])), sort=True)
    others: dict[int, set[str]] = {}
    for row, copies in enumerate(pictures.facts["copy_labels"]):
        if len(copies) and (found := set(copies) - {"", UNKNOWN, labels.iloc[row]}):
            others[row] = found
    for rows in groups:
        kinds, local = np.unique(codes[rows], return_inverse=True)
        if len(kinds) == 1 and not others.keys() & set(rows.tolist()):
            continue
        local = np.where(codes[rows] < 0, -1, local)
        seen = cluster_kernels.labels_of_copies(known, rows, local, least, len(kinds))
        release(pictures.thumbnails)
        for member, kind in zip(*np.nonzero(seen), strict=True):
            others.setdefault(int(rows[member]), set()).add(names[kinds[kind]])
    return {row: " / ".join(sorted(found)) for row, found in others.items()}


def _alone(facts: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"image_id": facts["image_id"]})
