"""Tags made in the App back into data/reviews.csv, once each.

A tag that spells a decision becomes one row of the log, then leaves the sample, whose field `decision` shows it from
then on. The row is written before the tag goes: a pull that is killed in between finds the tag again, sees its row and
adds none.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from curation.decisions.log import append_reviews, read_reviews
from curation.project import Project
from curation.review.decision_tags import Decision, malformed, parse
from curation.review.fields import LABELS
from curation.review.saved_views import tidy

TagsOf = dict[str, list[str]]


@dataclass(frozen=True)
class Pulled:
    """The rows that were added, and per image why a tag was left where it is."""

    rows: list[dict[str, str]]
    held_back: dict[str, str] = field(default_factory=dict)


def decisions(given: TagsOf, known: set[str], new_classes: bool) -> tuple[dict[str, list[Decision]], dict[str, str]]:
    """The decisions that tags spell, per image; and the images whose tags can't be taken, with the reason.

    known: the classes there are; a relabel to another one is held back unless `new_classes`, since it is mostly a slip.
    """
    taken: dict[str, list[Decision]] = {}
    held: dict[str, str] = {}
    for image_id, texts in given.items():
        found = sorted({one for one in map(parse, texts) if one}, key=lambda one: one.tag)
        if reason := _objection(texts, found, set() if new_classes else known):
            held[image_id] = reason
        elif found:
            taken[image_id] = found
    return taken, held


def _objection(texts: list[str], found: list[Decision], known: set[str]) -> str:
    if wrong := sorted(text for text in texts if malformed(text)):
        return f"tag `{wrong[0]}` is no decision: expected relabel:<class>, benchmark:<set> or turn:<90|180|270>"
    axes = [one.axis for one in found]
    if twice := sorted({axis for axis in axes if axes.count(axis) > 1}):
        clash = ", ".join(f"`{one.tag}`" for one in found if one.axis == twice[0])
        return f"the tags {clash} contradict each other: leave one"
    strange = [one.label for one in found if one.decision == "relabel" and known and one.label not in known]
    return f"`{strange[0]}` is no class of the project; with --new-class it becomes one" if strange else ""


def to_rows(taken: dict[str, list[Decision]], log: pd.DataFrame, stamp: dict[str, str]) -> list[dict[str, str]]:
    """The rows that the log does not end with already, per image and axis. stamp: reviewer, decided_at, model."""
    last: dict[tuple[str, str], Decision] = {}
    for image_id, word, label in zip(*(log[name].tolist() for name in ("image_id", "decision", "label")), strict=True):
        one = Decision(word, label if word == "relabel" else "")
        last[image_id, one.axis] = one
    return [
        {"image_id": image_id, "decision": one.decision, "label": one.label, "subclass": "", "note": "", **stamp}
        for image_id in sorted(taken)
        for one in taken[image_id]
        if last.get((image_id, one.axis)) != one
    ]


def pull(dataset: Any, project: Project, reviewer: str, known: set[str], new_classes: bool = False) -> Pulled:
    """Append the decisions tagged in `dataset` to the project's log, and take the tags off.

    One pull at a time: two would both see a tag before either wrote its row.
    """
    with project.lock("pull"):
        dataset.reload()
        fields = tag_fields(dataset)
        given = _tags(dataset, fields)
        taken, held = decisions(given, known, new_classes)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        stamp = {"reviewer": reviewer, "decided_at": now, "model": dataset.info.get("curation_model", "")}
        rows = to_rows(taken, read_reviews(project.reviews), stamp)
        if rows:
            append_reviews(project.reviews, pd.DataFrame(rows))
        _settle(dataset, taken, fields)
    return Pulled(rows, held)


def tag_fields(dataset: Any) -> list[str]:
    """Where a reviewer may have put a tag: on the sample, or on one of its labels, as the App offers first."""
    return ["tags", *(f"{name}.tags" for name in LABELS if dataset.has_sample_field(name))]


def _tags(dataset: Any, fields: list[str]) -> TagsOf:
    image_ids, *columns = dataset.values(["image_id", *fields])
    merged = ([text for texts in row for text in texts or []] for row in zip(*columns, strict=True))
    return {one: list(dict.fromkeys(texts)) for one, texts in zip(image_ids, merged, strict=True) if texts}


def _settle(dataset: Any, taken: dict[str, list[Decision]], fields: list[str]) -> None:
    """Show the decision on the sample, and take its tag off."""
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
