"""Bring images back that a rule left out, by decisions in the log, which the next `dvc repro` applies.

A copy comes back as `not_copy`: a decision on it and its keeper, and on it and every other image that would take it.
An image that a review removed gets back what was decided before. Where no decision helps, a setting or a cause is
named instead. The result is rows for data/reviews.csv; nothing else is changed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import pandas as pd

from curation.decisions.fold import fold
from curation.decisions.words import NAMING_WORDS, parse_decision
from curation.errors import CurationError
from curation.selection.copies.left_out import BY_DECISION, LEFT_OUT, WAYS
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Reason, Word

MOST = 50  # copies that come back at once: each of them is told apart from every other
Row = dict[str, str]
Rivals = Callable[[Collection[str]], Iterable[tuple[str, str]]]


class UndropError(CurationError):
    """Images that can't be brought back in this way."""


@dataclass(frozen=True)
class Undropped:
    """Rows for the log, and for each image what they do or why there are none: image_id, path, reason_code, does."""

    rows: list[Row] = field(default_factory=list)
    told: list[Row] = field(default_factory=list)


def undrop(
    chosen: pd.DataFrame, duplicates: pd.DataFrame, reviews: pd.DataFrame, known: Collection[str], rivals: Rivals
) -> Undropped:
    """The decisions that bring `chosen` back. UndropError for more than MOST copies at once.

    chosen: rows of `left_out`. duplicates: image_id, keeper and scene of DUPLICATES. reviews: the log. known: the
    classes that there are. rivals: gives (image_id, keeper) of further keepers whose copies some images would be, as
    `curation.dedupe.relations.other_keepers` finds them.
    """
    copies = chosen[chosen["reason_code"] == Reason.COPY]
    if len(copies) > MOST:
        raise UndropError(
            f"{len(copies):,} of these images are left out as copies, and at most {MOST} come back at once, because "
            "each is told apart from every other. If the rule is wrong for all of them, `dedupe.policy: identical` in "
            "params.yaml keeps all images but those with equal pixels, and `dedupe.policy: none` keeps those, too"
        )
    rows = [_row(one, f"{Word.NOT_COPY}:{other}") for one, other in _pairs(copies, duplicates, rivals)]
    keepers = duplicates.set_index("image_id")["keeper"]
    told = [_told(row, f"it is no copy of {keepers[row['image_id']][:12]}, so both stay") for row in _records(copies)]
    for row in _records(chosen[chosen["reason_code"] != Reason.COPY]):
        made, does = _decided(row, reviews, known)
        rows += made
        told.append(_told(row, does))
    return Undropped(rows, told)


def can_return(left: pd.DataFrame) -> pd.DataFrame:
    """The rows of `left_out` that a decision may bring back."""
    return left[left["reason_code"].isin(BY_DECISION)]


def _pairs(copies: pd.DataFrame, duplicates: pd.DataFrame, rivals: Rivals) -> list[tuple[str, str]]:
    """Each copy with its keeper, with the other copies of its scene that come back, and with its rivals."""
    rows = duplicates[duplicates["image_id"].isin(copies["image_id"])].sort_values("image_id")
    if rows.empty:
        return []
    found = list(zip(rows["image_id"], rows["keeper"], strict=True))
    for _, scene in rows.groupby("scene", sort=True):
        found += combinations(scene["image_id"], 2)
    return list(dict.fromkeys([*found, *rivals(rows["image_id"].tolist())]))


def _decided(row: Mapping[str, str], reviews: pd.DataFrame, known: Collection[str]) -> tuple[list[Row], str]:
    """The decisions that bring back an image that is no copy, and what they do; none where no decision helps."""
    code, one = Reason(row["reason_code"]), row["image_id"]
    if code in (Reason.LABEL_CONFLICT, Reason.COPY_OF_REMOVED):
        kept = _row(one, Word.KEEP, row["label"], row["subclass"])
        return [kept], f"it is kept as `{row['label']}`"
    if code in (Reason.REMOVED, Reason.UNKNOWN):
        return _restored(row, reviews[reviews["image_id"] == one], known)
    return [], f"no decision brings it back: {WAYS[code]}"


def _restored(row: Mapping[str, str], log: pd.DataFrame, known: Collection[str]) -> tuple[list[Row], str]:
    """What was decided on an image before it was removed, or before it was called unknown; else `keep`."""
    one, gone = row["image_id"], Word.REMOVE if row["reason_code"] == Reason.REMOVED else Word.UNKNOWN
    before = fold(log.iloc[: _end_of_past(log["decision"], gone)])
    state = before.iloc[0] if len(before) else None
    word = Word(state["label_word"]) if state is not None and state["label_word"] else Word.KEEP
    label, subclass = (state["label"], state["subclass"]) if state is not None else ("", "")
    if gone is Word.UNKNOWN and not label and row["original_label"] in ("", UNKNOWN):
        return [], "no decision brings it back: nobody ever gave it a label; give it one in `curate review open`"
    if label not in ("", UNKNOWN) and label not in known:
        return [], f"it was `{label}` before, and there is no such class any more; relabel it in `curate review open`"
    label = "" if word is Word.UNKNOWN else label
    rows = [_row(one, word, label, subclass)]
    if state is not None and state["benchmark_set"]:
        rows.append(_row(one, f"{Word.BENCHMARK}:{state['benchmark_set']}"))
    shown = f" {label}" if label else ""
    return rows, f"`{word}{shown}` takes `{gone}` back"


def _end_of_past(decisions: Iterable[str], gone: Word) -> int:
    """How many of the oldest decisions come before the last ones that say `gone`."""
    words = [parse_decision(text).word for text in decisions]
    weigh = [place for place, word in enumerate(words) if word in (*NAMING_WORDS, Word.BENCHMARK)]
    while weigh and words[weigh[-1]] is gone:
        weigh.pop()
    return weigh[-1] + 1 if weigh else 0


def _records(rows: pd.DataFrame) -> list[Row]:
    return [dict(zip(LEFT_OUT, map(str, row), strict=True)) for row in rows[LEFT_OUT].itertuples(index=False)]


def _row(image_id: str, decision: str, label: str = "", subclass: str = "") -> Row:
    return {"image_id": image_id, "decision": str(decision), "label": label, "subclass": subclass}


def _told(row: Mapping[str, str], does: str) -> Row:
    return {**{name: row[name] for name in ("image_id", "path", "reason_code")}, "does": does}
