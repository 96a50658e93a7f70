"""From the table IMAGES to the table DUPLICATES: the relations of every image, its keeper, its leak group.

First the pairs that are worth a look, by hashes and thumbnails; of them a bounded number for each image is kept. Then
the pixels of the files decide which pairs are copies and which show the same scene. So every copy names a keeper that
stays, and was compared with it directly. Labels play no part in this: copies show the same picture whatever its label,
and the column `conflict` says which labels disagree.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from curation.dedupe import cluster_kernels
from curation.dedupe.candidate_bound import PAIRS
from curation.dedupe.candidates import is_large
from curation.dedupe.descriptors.described_images import EVERY_CORE, Resources
from curation.dedupe.descriptors.descriptor_pairs import descriptor_pairs
from curation.dedupe.image_arrays import Pictures, from_frame
from curation.dedupe.keeper_ranking import keeper_order
from curation.dedupe.leak_groups import Cut, leak_groups, scene_levels
from curation.dedupe.relations.copy_clusters import Verdicts, keepers, same_pixels_as, verify_nearest
from curation.dedupe.relations.disagreeing_labels import disagreeing_labels
from curation.dedupe.relations.nearest_pairs import Rows, nearest_pairs
from curation.dedupe.relations.pair_verifier import PairVerifier, ordered, words_of
from curation.dedupe.verification.file_pixels import ImageFiles
from curation.params import Params
from curation.params.blocks import Dedupe
from curation.tables.codes import Relation


@dataclass(frozen=True)
class Summary:
    """Numbers of the search, and the chains that were cut."""

    images: int
    candidates: int
    cut: int
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
        if self.cut:
            text.append(
                f"{self.cut:,} more candidate pairs were not compared: "
                f"both of their images have at least {PAIRS} candidates that are more alike"
            )
        return text + [
            f"a chain of {one.size:,} images was cut at similarity {one.similarity:.2f}: at most {one.largest:,} left"
            for one in self.cuts
        ]


def rules(params: Params) -> Dedupe:
    """The block `dedupe` with `mirrored` and `turned` spelt out: `auto` follows train.augment.flip."""
    usual = "copy" if params.train.augment.flip else "same scene"
    said = {name: usual for name in ("mirrored", "turned") if getattr(params.dedupe, name) == "auto"}
    return params.dedupe.model_copy(update=said)


def find_duplicates(
    images: pd.DataFrame, params: Dedupe, reviewed: Collection[str] = (), files: ImageFiles | None = None
) -> pd.DataFrame:
    """Make the table DUPLICATES from a table IMAGES, one row for each readable image.

    reviewed: image_ids that a person decided on; they are preferred as keepers. files: where the paths of the table
    lie; without it they are relative to the working directory.
    """
    return find(from_frame(images), params, files or ImageFiles(), reviewed)[0]


def find(
    pictures: Pictures,
    params: Dedupe,
    files: ImageFiles,
    reviewed: Collection[str] = (),
    resources: Resources = EVERY_CORE,
    decided: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, Summary]:
    """Make the table DUPLICATES and the numbers of the search. The result does not depend on `resources`.

    decided: what people decided on pairs of images, as curation.decisions.fold.pairs gives it.
    """
    facts = pictures.facts
    rank = np.empty(len(facts), np.int32)
    rank[keeper_order(facts, reviewed)] = np.arange(len(facts), dtype=np.int32)
    described = descriptor_pairs(pictures, params, files, resources)
    edges = nearest_pairs(pictures, params, resources.workers, described)
    words = words_of(decided, facts)
    verifier = PairVerifier(facts, files, params, words, resources.workers)
    verdicts, roots = verify_nearest(edges, verifier, words, len(facts))
    keeper, of_keepers = keepers(roots, rank, verifier, words)
    verdicts |= of_keepers
    table = _copies(pictures, keeper, of_keepers).assign(
        same_pixels_as=facts["image_id"].array.take(same_pixels_as(keeper, rank, verifier))
    )
    levels = scene_levels(edges, verdicts, keeper, params, verifier.seconds)
    leak, cuts = leak_groups(levels, keeper, params)
    named = disagreeing_labels(facts, keeper, verdicts)
    table = _with_scenes(table, levels[0], leak, marks(verdicts, keeper, rank))
    table["conflict"] = [named.get(row, "") for row in range(len(facts))]
    verifier.close()
    summary = Summary(
        images=len(facts),
        candidates=edges.seen,
        cut=edges.cut,
        verified=verifier.compared,
        copies=int((keeper != np.arange(len(facts))).sum()),
        leak_groups=int((np.bincount(leak) > 1).sum()),
        conflicts=len(named),
        cuts=sorted(cuts, reverse=True),
    )
    return table, summary


def _copies(pictures: Pictures, keeper: Rows, verdicts: Verdicts) -> pd.DataFrame:
    """The columns that say what each row is to its keeper."""
    facts = pictures.facts
    ids = facts["image_id"].array  # an array avoids a million Python strings
    size = len(facts)
    distance, similarity, orientation = np.zeros(size, np.int16), np.ones(size, np.float32), np.zeros(size, np.int8)
    arrays = (pictures.hashes, pictures.thumbnails, is_large(pictures))
    copies = np.flatnonzero(keeper != np.arange(size)).tolist()
    for row in copies:
        stays = int(keeper[row])
        pair = ordered(stays, row)
        verdict = verdicts[pair]
        forward = _turned_back(verdict.orientation)  # of the smaller row, to match the larger one
        distance[row], agreement = cluster_kernels.thumbnail_facts(arrays, pair, forward)
        similarity[row] = max(agreement, 0.0)
        orientation[row] = forward if stays == pair[0] else verdict.orientation
    return pd.DataFrame(
        {
            "image_id": facts["image_id"],
            "keeper": ids.take(keeper),
            "distance": distance,
            "similarity": similarity,
            "orientation": orientation,
        }
    )


def _turned_back(orientation: int) -> int:
    """The orientation that undoes another; mirrored ones undo themselves."""
    return orientation if orientation >= 4 else (4 - orientation) % 4


def _with_scenes(table: pd.DataFrame, scene: Rows, leak: Rows, marked: dict[int, int]) -> pd.DataFrame:
    """Add the columns on scenes, leak groups and marks."""
    ids = table["image_id"].array
    alone = (np.bincount(scene, minlength=len(scene)) == 1)[scene]
    related = np.where(alone, Relation.NONE.value, Relation.SAME_SCENE.value)
    return table.assign(
        leak_group=ids.take(leak),
        relation=np.where(table["keeper"] != table["image_id"], Relation.COPY.value, related),
        scene=ids.take(scene),
        marked_copy_of=[ids[marked[row]] if row in marked else "" for row in range(len(ids))],
    )


def marks(verdicts: Verdicts, keeper: Rows, rank: Rows) -> dict[int, int]:
    """For each row that is probably a marked copy, the row of the picture that it repeats: the better of the two."""
    found: dict[int, tuple[float, int]] = {}
    for pair, verdict in verdicts.items():
        if verdict.marked and all(keeper[row] == row for row in pair):
            better, worse = sorted(pair, key=lambda row: int(rank[row]))
            found[worse] = min(found.get(worse, (2.0, 0)), (verdict.changed, better))
    return {row: other for row, (_, other) in found.items()}
