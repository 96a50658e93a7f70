"""Turn tags that were set in the App into rows of data/reviews.csv, each once.

A tag that means a decision becomes one row of the log. Then it is removed from the sample, and the field `decision`
shows it. The row is written before the tag is removed. So when a pull is killed between the two, the next one finds the
tag and its row, and adds no second row.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from curation.decisions.audited import BLIND_NOTE
from curation.decisions.fold import fold, pairs
from curation.decisions.log import append_reviews, read_reviews
from curation.evaluation.queue.blind_review import BLIND
from curation.project import Project
from curation.review.decision_tags import Decision, malformed, parse
from curation.review.fields import LABELS
from curation.review.saved_views import tidy
from curation.review.seen_labels import Seen, seen_labels
from curation.tables.class_names import class_problem
from curation.tables.codes import Word

TagsOf = dict[str, list[str]]


@dataclass(frozen=True)
class Pulled:
    """The rows that were added, and for each image whose tag stayed, the reason."""

    rows: list[dict[str, str]]
    held_back: dict[str, str] = field(default_factory=dict)


def decisions(given: TagsOf, known: set[str], new_classes: bool) -> tuple[dict[str, list[Decision]], dict[str, str]]:
    """Return the decisions that tags mean, by image; and the reasons, by image, for tags that can't be used.

    `known` are the existing classes. A relabel to another class is held back unless `new_classes`, because it is
    usually a typing error.
    """
    taken: dict[str, list[Decision]] = {}
    held: dict[str, str] = {}
    classes = set(known)
    for image_id, texts in given.items():
        found = sorted({one for one in map(parse, texts) if one}, key=lambda one: one.tag)
        if reason := _objection(texts, found, classes, new_classes):
            held[image_id] = reason
        elif found:
            taken[image_id] = found
            classes |= {one.label for one in found if one.decision == Word.RELABEL and known}
    return taken, held


def _objection(texts: list[str], found: list[Decision], known: set[str], new_classes: bool) -> str:
    if wrong := sorted(text for text in texts if malformed(text)):
        return f"tag `{wrong[0]}` is not a decision: expected relabel:<class>, benchmark:<set> or turn:<90|180|270>"
    axes = [one.axis for one in found]
    if twice := sorted({axis for axis in axes if axes.count(axis) > 1}):
        clash = ", ".join(f"`{one.tag}`" for one in found if one.axis == twice[0])
        return f"the tags {clash} contradict each other: keep only one"
    wanted = [one.label for one in found if one.decision == Word.RELABEL and known]
    return next(filter(None, (class_problem(label, known, new=new_classes) for label in wanted)), "")


def to_rows(
    taken: dict[str, list[Decision]],
    log: pd.DataFrame,
    stamp: dict[str, str],
    seen: Seen | None = None,
    blind: Collection[str] = (),
) -> list[dict[str, str]]:
    """Return the rows for decisions that the log does not hold already, by image and axis.

    `stamp` has reviewer and model; `seen` has the labels that `keep` confirms; `blind` are the images whose answer was
    not shown.
    """
    held = holding(log)
    rows = []
    for image_id in sorted(taken):
        for one in taken[image_id]:
            confirmed = (seen or {}).get(image_id, ("", "")) if one.decision == Word.KEEP else ("", "")
            label, subclass = confirmed if one.decision == Word.KEEP else (one.label, "")
            row = {"image_id": image_id, "decision": one.decision, "label": label, "subclass": subclass}
            row["note"] = BLIND_NOTE if image_id in blind else ""
            if held.get((image_id, one.axis)) != (one.decision, label):
                rows.append({**row, **stamp})
    return rows


def holding(log: pd.DataFrame) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the current (decision, label) of each (image, axis). The label that a `keep` confirmed counts too."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for row in fold(log).to_dict("records"):
        image_id = row["image_id"]
        if row["named"]:
            told = row["label"] if row["named"] in (Word.RELABEL, Word.KEEP) else ""
            found[image_id, "label"] = (row["named"], told)
        if row["benchmark_set"]:
            found[image_id, "benchmark"] = (f"benchmark:{row['benchmark_set']}", "")
        if row["small"]:
            found[image_id, "small"] = ("small", "")
        found[image_id, "turn"] = (f"turn:{row['turn']}", "")
    for first, second, copy in pairs(log).to_numpy().tolist():
        word = Word.COPY if copy else Word.NOT_COPY
        for one, other in ((first, second), (second, first)):
            found[one, f"pair:{other}"] = (f"{word}:{other}", "")
    return found


def pull(dataset: Any, project: Project, reviewer: str, known: set[str], new_classes: bool = False) -> Pulled:
    """Add the decisions tagged in `dataset` to the log of the project, and remove the tags.

    Only one pull runs at a time, because two would both see a tag before either wrote its row.
    """
    with project.lock("queue"), project.lock("decisions"):
        dataset.reload()
        fields = tag_fields(dataset)
        given = _tags(dataset, fields)
        taken, held = decisions(given, known, new_classes)
        stamp = {"reviewer": reviewer, "model": dataset.info.get("curation_model", "")}
        kept = [one for one, made in taken.items() if any(each.decision == Word.KEEP for each in made)]
        seen = seen_labels(dataset, kept, project.reviews) if kept else {}
        blind = dataset.match({"kind": BLIND}).values("image_id")
        rows = append_reviews(project.reviews, to_rows(taken, read_reviews(project.reviews), stamp, seen, blind))
        _settle(dataset, taken, fields)
    return Pulled(rows, held)


def tag_fields(dataset: Any) -> list[str]:
    """Return the fields where a reviewer can set a tag: the sample or one of its labels."""
    return ["tags", *(f"{name}.tags" for name in LABELS if dataset.has_sample_field(name))]


def _tags(dataset: Any, fields: list[str]) -> TagsOf:
    image_ids, *columns = dataset.values(["image_id", *fields])
    merged = ([text for texts in row for text in texts or []] for row in zip(*columns, strict=True))
    return {one: list(dict.fromkeys(texts)) for one, texts in zip(image_ids, merged, strict=True) if texts}


def _settle(dataset: Any, taken: dict[str, list[Decision]], fields: list[str]) -> None:
    """Show the decision on the sample, and remove its tag."""
    if not taken:
        return
    shown = {one: next((d.tag for d in made if d.axis == "label"), made[0].tag) for one, made in taken.items()}
    dataset.set_values("decision", shown, key_field="image_id")
    for name in fields:
        columns = zip(*dataset.values(["image_id", name]), strict=True)
        left = {
            one: [text for text in texts if parse(text) is None] for one, texts in columns if texts and one in taken
        }
        if left:
            dataset.set_values(name, left, key_field="image_id")
    tidy(dataset)
