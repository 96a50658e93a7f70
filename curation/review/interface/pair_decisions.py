"""Decide on two images at once: which label both have, whether they are copies, or that nobody knows what they show.

Partners are the two images of a label conflict, or a picture and its probable marked copy. The left one is first in the
order of the queue. As with every decision, the log is written first; then the samples show it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from curation.decisions.log import append_reviews
from curation.review.decision_tags import Decision
from curation.review.interface import decide
from curation.review.saved_views import MARKED
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Kind, Word

FIELDS = ["id", "image_id", "partner", "ground_truth.label", "filepath", "kind", "rank", "pair_decision"]


@dataclass(frozen=True)
class Side:
    """One of two images: its FiftyOne id, its image_id, its label ("" for none), its file and its kind."""

    id: str
    image_id: str
    label: str
    file: str
    kind: str


@dataclass(frozen=True)
class Pair:
    """Two images, and what was decided on the two."""

    left: Side
    right: Side
    decided: str = ""

    def other(self, one: str) -> Side:
        """The partner of the image with this FiftyOne id."""
        return self.right if one == self.left.id else self.left


def pair_of(dataset: Any, one: str) -> Pair | None:
    """Return the pair of the sample with this FiftyOne id; None where it has no partner."""
    return next(iter(pairs_of(dataset, [one])), None)


def pairs_of(dataset: Any, ids: Sequence[str]) -> list[Pair]:
    """Return the pairs of some samples (FiftyOne ids), each once, in the order of the samples."""
    if not dataset.has_sample_field("partner"):
        return []
    asked = _rows(dataset.select(list(ids), ordered=True))
    there = {row["image_id"]: row for row in asked}
    missing = {row["partner"] for row in asked if row["partner"]} - set(there)
    there |= {row["image_id"]: row for row in _rows(dataset.match({"image_id": {"$in": sorted(missing)}}))}
    found: dict[tuple[str, str], Pair] = {}
    for row in asked:
        if other := there.get(row["partner"]):
            first, second = sorted((row, other), key=lambda one: (one["rank"], one["image_id"]))
            decided = row["pair_decision"] or ""
            found.setdefault((first["id"], second["id"]), Pair(_side(first), _side(second), decided))
    return list(found.values())


def accept_left(dataset: Any, ids: Sequence[str], reviewer: str = "") -> int:
    """Say of the pairs of these samples that the label of the left image is right for both. Returns the decisions."""
    return _accept(dataset, _needed(dataset, ids), reviewer, left=True)


def accept_right(dataset: Any, ids: Sequence[str], reviewer: str = "") -> int:
    """Say of the pairs of these samples that the label of the right image is right for both. Returns the decisions."""
    return _accept(dataset, _needed(dataset, ids), reviewer, left=False)


def both_unknown(dataset: Any, ids: Sequence[str], reviewer: str = "") -> int:
    """Say of both images of these pairs that nobody knows what they show. Returns the number of decisions."""
    sides = [side.id for pair in _needed(dataset, ids) for side in (pair.left, pair.right)]
    return decide.decide(dataset, sides, Decision(Word.UNKNOWN), reviewer)


def not_a_copy(dataset: Any, ids: Sequence[str], reviewer: str = "") -> int:
    """Say of the pairs of these samples that they are different pictures, one decision a pair."""
    return settle(dataset, _needed(dataset, ids), Word.NOT_COPY, reviewer)


def is_a_copy(dataset: Any, ids: Sequence[str], reviewer: str = "") -> int:
    """Say of the pairs of these samples that they are the same picture, one decision a pair."""
    return settle(dataset, _needed(dataset, ids), Word.COPY, reviewer)


def settle_marked(dataset: Any, word: Word, ids: Sequence[str] = (), reviewer: str = "") -> int:
    """Say of all probable marked copies that wait that they are copies (`copy`) or that none is (`not_copy`).

    ids: only the pairs of these samples. Returns the number of pairs; each is one decision.
    """
    if not dataset.has_sample_field("pair_waiting"):
        return 0
    view = dataset.match(MARKED)
    chosen = view.select(list(ids)) if ids else view
    pairs = [pair for pair in pairs_of(dataset, chosen.values("id")) if not pair.decided]
    return settle(dataset, pairs, word, reviewer) if pairs else 0


def settle(dataset: Any, pairs: Iterable[Pair], word: Word, reviewer: str = "") -> int:
    """Write one decision on each pair, and show it on both images. Returns the number of pairs."""
    made = list(pairs)
    origin = decide.origin_of(dataset)
    stamp = {"reviewer": reviewer or decide.default_reviewer(), "model": origin.model}
    rows = [{"image_id": pair.left.image_id, "decision": f"{word}:{pair.right.image_id}", **stamp} for pair in made]
    append_reviews(origin.project.reviews, rows)
    said = {pair.left.id: f"{word}:{pair.right.image_id}" for pair in made}
    said |= {pair.right.id: f"{word}:{pair.left.image_id}" for pair in made}
    dataset.set_values("pair_decision", said, key_field="id")
    sides = {side.id: side for pair in made for side in (pair.left, pair.right)}
    torn = {one: said[one] for one, side in sides.items() if side.kind == Kind.CONFLICT and word is Word.NOT_COPY}
    if torn:
        dataset.set_values("decision", torn, key_field="id")
    return len(made)


def _needed(dataset: Any, ids: Sequence[str]) -> list[Pair]:
    """The pairs of these samples; DecisionError where there is none."""
    found = pairs_of(dataset, ids)
    if not found:
        raise decide.DecisionError("the image has no partner: open one in the view `conflicts` or `marked copies`")
    return found


def _accept(dataset: Any, pairs: list[Pair], reviewer: str, *, left: bool) -> int:
    made: dict[str, Decision] = {}
    for pair in pairs:
        right, wrong = (pair.left, pair.right) if left else (pair.right, pair.left)
        if right.label in ("", UNKNOWN):
            side = "left" if left else "right"
            raise decide.DecisionError(f"the {side} image has no label to accept; relabel the two")
        made[right.id] = Decision(Word.KEEP)
        made[wrong.id] = Decision(Word.KEEP if wrong.label == right.label else Word.RELABEL, right.label)
    return decide.decide_each(dataset, made, reviewer)


def _rows(view: Any) -> list[dict[str, Any]]:
    return [dict(zip(FIELDS, row, strict=True)) for row in zip(*view.values(FIELDS), strict=True)]


def _side(row: dict[str, Any]) -> Side:
    return Side(row["id"], row["image_id"], row["ground_truth.label"] or "", row["filepath"], row["kind"] or "")
