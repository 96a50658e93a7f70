"""From what people chose in an annotation tool to rows of data/reviews.csv, each decision once.

A project of an annotation tool grows for years and is imported again and again, so only what is new or changed becomes
a row. A choice that says when it was made keeps its time: it holds against older decisions and yields to newer ones.
Where a tool gives no times, a choice that was imported before is not imported again, whatever was decided since.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from curation.decisions.fold import fold
from curation.decisions.order import NO_TIME, instant, now
from curation.decisions.words import NAMING_WORDS, parse_decision
from curation.errors import CurationError
from curation.labelling.accept import Stamp
from curation.tables.class_names import class_problem
from curation.tables.codes import Word

OTHERS = ("unknown", "remove")  # choices that are decisions themselves


class ImportedError(CurationError):
    """Decisions of another tool that can't be taken."""


class Choice(NamedTuple):
    """What a person chose: a class, `unknown` or `remove`; who; and when (ISO 8601), "" where the tool does not say."""

    label: str
    annotator: str = ""
    when: str = ""


@dataclass(frozen=True)
class Imported:
    """The rows to be added, and how many choices were decided on since, in a newer row of the log."""

    rows: list[dict[str, str]]
    older: int


def moment(text: str) -> int:
    """The instant of a time; NO_TIME where it is none, or lies ahead, as a wrong clock writes it."""
    try:
        found = instant(text)
    except (ValueError, OverflowError):
        return NO_TIME
    return found if found <= now() else NO_TIME


def new_decisions(made: Mapping[str, Choice], log: pd.DataFrame, stamp: Stamp, tool: str) -> Imported:
    """Return rows for the choices that the log does not hold; `made` maps image_ids, `tool` is written in the note."""
    rows, older = [], 0
    held = _held(log)
    before = _before(log[log.image_id.isin(set(made))], tool)
    for image_id, choice in sorted(made.items()):
        wanted = _wanted(choice.label)
        if held.get(image_id) == wanted:
            continue
        newest, last = before.get(image_id, (NO_TIME, None))
        when = moment(choice.when)
        if (when != NO_TIME and newest >= when) or (when == NO_TIME and last == wanted):
            older += 1
            continue
        note = "; ".join(filter(None, (f"annotator {choice.annotator}" if choice.annotator else "", f"from {tool}")))
        row = stamp.row(image_id, *wanted, note)
        rows.append({**row, "decided_at": choice.when} if when != NO_TIME else row)
    return Imported(rows, older)


def refuse_new_classes(names: Iterable[str], known: set[str], *, allowed: bool) -> None:
    """Raise ImportedError for the first name that is no class, or with `allowed` can't become one."""
    seen = set(known)
    for name in sorted(set(names) - {"", "unknown"}):
        if problem := class_problem(name, seen, new=allowed):
            raise ImportedError(problem)
        seen.add(name)


def _wanted(label: str) -> tuple[str, str]:
    """The word and the label of a decision."""
    return (label, "") if label in OTHERS else (Word.RELABEL.value, label)


def _held(log: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """What holds of each image now; a `keep` that confirmed a label says the same as a relabel to it."""
    about = fold(log)
    found = {}
    for image_id, named, label in zip(about.image_id, about.named, about.label, strict=True):
        says = named in (Word.RELABEL, Word.KEEP) and label
        found[image_id] = (Word.RELABEL.value, label) if says else (str(named), "")
    return found


def _before(log: pd.DataFrame, tool: str) -> dict[str, tuple[int, tuple[str, str] | None]]:
    """For each image the time of its newest decision on what it shows, and what was last imported from this tool."""
    found: dict[str, tuple[int, tuple[str, str] | None]] = {}
    for row in log.to_dict("records"):  # the oldest first
        word = parse_decision(row["decision"]).word
        if word in NAMING_WORDS:
            newest, last = found.get(row["image_id"], (NO_TIME, None))
            if f"from {tool}" in row["note"].split("; "):
                last = (word.value, row["label"])
            found[row["image_id"]] = (max(newest, instant(row["decided_at"])), last)
    return found
