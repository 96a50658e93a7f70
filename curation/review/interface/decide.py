"""Write the decision of a reviewer to data/reviews.csv at once, then show it on the sample.

The operators of the plugin call this module, in the process that serves the App. The log is written first and under its
lock. So nothing is shown that is not on disk, and two reviewers at the same time lose nothing. The facts of the project
(its folder, its log, the model that was reviewed) are in the `info` of the dataset, where the push put them.
"""

import getpass
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.decisions.audited import BLIND_NOTE
from curation.decisions.fold import fold
from curation.decisions.log import append_reviews, read_reviews
from curation.errors import CurationError
from curation.evaluation.queue.blind_review import BLIND
from curation.project import Project
from curation.review.decision_tags import Decision, parse
from curation.review.seen_labels import seen_labels
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Word


class DecisionError(CurationError):
    """A decision can't be written."""


@dataclass(frozen=True)
class Origin:
    """The origin of a dataset: the project whose log gets its decisions, and the model that was reviewed."""

    project: Project
    model: str


def origin_of(dataset: Any) -> Origin:
    """Return the project that pushed the dataset. DecisionError when none did or its folder is gone."""
    info = dataset.info
    root = Path(info.get("curation_root", ""))
    if not info.get("curation_root") or not root.is_dir():
        found = f"its folder {root} is gone" if info.get("curation_root") else "it was not pushed by curate"
        raise DecisionError(f"dataset `{dataset.name}`: {found}. Run `curate review push` in the project.")
    return Origin(Project(root), info.get("curation_model", ""))


def decide(dataset: Any, ids: Sequence[str], decision: Decision, reviewer: str = "") -> int:
    """Write one decision for every sample in `ids` (FiftyOne ids) and show it. Return how many were decided."""
    return _write(dataset, dict.fromkeys(ids, decision), reviewer)


def decide_each(dataset: Any, made: dict[str, Decision], reviewer: str = "") -> int:
    """Write a decision of its own for every sample (FiftyOne id -> decision) and show it. Return their number."""
    return _write(dataset, made, reviewer)


def accept(dataset: Any, ids: Sequence[str], reviewer: str = "") -> int:
    """Accept the suggestion of every sample: relabel to it, or keep when it equals the label."""
    columns = dataset.select(list(ids), ordered=True).values(["id", "ground_truth.label", "suggestion.label"])
    made = {one: suggested(label, suggestion) for one, label, suggestion in zip(*columns, strict=True)}
    if none := [one for one, decision in made.items() if decision is None]:
        raise DecisionError(f"{len(none)} of {len(made)} selected images have no suggestion to accept; relabel them")
    return _write(dataset, {one: decision for one, decision in made.items() if decision}, reviewer)


def suggested(label: str | None, suggestion: str | None) -> Decision | None:
    """Return the decision that accepting a suggestion means; None without a suggestion."""
    if not suggestion:
        return None
    if suggestion == label:
        return Decision(Word.KEEP)
    return Decision(Word.UNKNOWN) if suggestion == UNKNOWN else Decision(Word.RELABEL, suggestion)


def _write(dataset: Any, made: dict[str, Decision], reviewer: str) -> int:
    if not made:
        raise DecisionError("no image is selected or open: open one, or select some in the grid")
    origin = origin_of(dataset)
    kind = "kind" if dataset.has_sample_field("kind") else "id"
    columns = dataset.select(list(made), ordered=True).values(["id", "image_id", "tags", kind])
    blind = {image_id for image_id, shown in zip(columns[1], columns[3], strict=True) if shown == BLIND}
    stamp = {"reviewer": reviewer or default_reviewer(), "model": origin.model}
    decided = {image_id: made[one] for one, image_id in zip(*columns[:2], strict=True)}
    kept = [image_id for image_id, decision in decided.items() if decision.decision == Word.KEEP]
    seen = seen_labels(dataset, kept, origin.project.reviews) if kept else {}
    rows = []
    for image_id, decision in decided.items():
        label, subclass = seen.get(image_id, (decision.label, ""))
        told = {"label": label, "subclass": subclass, "note": BLIND_NOTE if image_id in blind else ""}
        rows.append({"image_id": image_id, "decision": decision.decision, **told, **stamp})
    append_reviews(origin.project.reviews, rows)
    dataset.set_values("decision", {one: decision.tag for one, decision in made.items()}, key_field="id")
    _drop_tags(dataset, made, zip(columns[0], columns[2], strict=True))
    return len(rows)


def _drop_tags(dataset: Any, made: dict[str, Decision], tagged: Any) -> None:
    """Remove tags that a later pull would read as a decision against the one that was made now."""
    left = {}
    for one, texts in tagged:
        rest = [text for text in texts or [] if not _same_axis(text, made[one])]
        if len(rest) != len(texts or []):
            left[one] = rest
    if left:
        dataset.set_values("tags", left, key_field="id")


def _same_axis(tag: str, decision: Decision) -> bool:
    spelt = parse(tag)
    return spelt is not None and spelt.axis == decision.axis


def default_reviewer() -> str:
    """Return the reviewer when the browser names none: CURATION_REVIEWER, or the login that serves the App."""
    return os.environ.get("CURATION_REVIEWER") or getpass.getuser()


def classes(dataset: Any) -> list[str]:
    """Return the classes that a relabel may name, sorted: those of the push, and those that reviewers added since."""
    origin = origin_of(dataset)
    known = set(dataset.info.get("curation_classes", []))
    held = fold(read_reviews(origin.project.reviews))
    return sorted((known | set(held.loc[held["label_word"] == Word.RELABEL, "label"])) - {"", UNKNOWN})


def left(dataset: Any) -> dict[str, int]:
    """Return how many images of the queue are decided and how many are left."""
    waiting = dataset.match({"role": "queue"}).count_values("decision")
    total = sum(waiting.values())
    still = waiting.get("", 0) + waiting.get(None, 0)
    return {"total": total, "decided": total - still, "left": still}
