"""What people decided, folded into one row an image, and the labels that follow from it.

The log is read in the order it was written and the last decision wins, on three independent questions: what the image
shows (relabel, unknown), whether it may be used (remove, keep, benchmark:<set>), and how (turn, small). A set, once
given, is left only by `remove`. Merges of classes come last and are for the model alone: the log keeps the finer names.
"""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from curation.decisions.log import Decision, ReviewsError, parse_decision
from curation.errors import CurationError
from curation.params import Params
from curation.project.places import REVIEWS
from curation.tables.class_names import UNKNOWN, canonical, look_alike

FOLDED = ["image_id", "decision", "word", "label", "subclass", "benchmark_set", "turn", "small", "line", "who"]


class MergeError(CurationError):
    """A table of class merges that goes round in a circle, or into a reserved class."""


def fold(reviews: pd.DataFrame) -> pd.DataFrame:
    """Fold the log (REVIEW_COLUMNS and `line`, oldest first) into FOLDED, one row an image that was decided on."""
    states: dict[str, dict[str, object]] = {}
    for row in reviews.to_dict("records"):
        state = states.setdefault(row["image_id"], _nothing(row["image_id"]))
        _apply(state, parse_decision(row["decision"]), {str(key): value for key, value in row.items()})
    return pd.DataFrame(list(states.values()), columns=FOLDED)


def _nothing(image_id: str) -> dict[str, object]:
    blank = dict.fromkeys(FOLDED, "")
    return {**blank, "image_id": image_id, "turn": 0, "small": False, "line": 0}


def _apply(state: dict[str, object], decision: Decision, row: Mapping[str, object]) -> None:
    if decision.word == "turn":
        state["turn"] = int(decision.detail)
        return
    if decision.word == "small":
        state["small"] = True
        return
    who = ", ".join(str(row[key]) for key in ("reviewer", "decided_at") if row.get(key))
    who = f" ({who})" if who else ""
    state.update(decision=str(decision), word=decision.word, line=row["line"], who=who)
    if decision.word == "relabel":
        state.update(label=canonical(str(row["label"])), subclass=canonical(str(row["subclass"])))
    elif decision.word == "unknown":
        state.update(label=UNKNOWN, subclass="")
    elif decision.word == "benchmark":
        state["benchmark_set"] = decision.detail
    elif decision.word == "remove":
        state["benchmark_set"] = ""


def resolve_merges(merge: Mapping[str, str]) -> dict[str, str]:
    """Follow chains of merges to their end (a: b, b: c gives a: c); MergeError on a circle or a reserved class."""
    table = {canonical(old): canonical(new) for old, new in merge.items()}
    ends: dict[str, str] = {}
    for old, first in table.items():
        seen, new = [old], first
        while new in table and new != seen[-1]:
            if new in seen:
                raise MergeError(f"params.yaml `classes.merge` goes round: {' -> '.join([*seen, new])}. Take one out.")
            seen.append(new)
            new = table[new]
        ends[old] = new
    reserved = [old for old in ends if look_alike(UNKNOWN) in {look_alike(old), look_alike(ends[old])}]
    if reserved:
        raise MergeError(
            f"params.yaml `classes.merge` names `{reserved[0]}: {ends[reserved[0]]}`: `unknown` is reserved."
        )
    return ends


def refuse_unknown_classes(folded: pd.DataFrame, images: pd.DataFrame, params: Params) -> None:
    """Raise ReviewsError when a relabel names a class that neither an image nor params.yaml has: mostly a slip."""
    merge = params.classes.merge
    known = {*images["label"].unique(), *map(canonical, [*merge, *merge.values(), *params.cutoff.classes]), UNKNOWN}
    for row in folded[folded["label"] != ""].itertuples():
        if row.label not in known:
            near = difflib.get_close_matches(str(row.label), sorted(map(str, known)), n=1)
            hint = f"Did you mean `{near[0]}`? " if near else ""
            raise ReviewsError(
                Path(REVIEWS),
                int(str(row.line)),
                f"relabel to `{row.label}`, which is no class of the collection",
                f"{hint}A class that has no folder yet is named in params.yaml: cutoff.classes: {{{row.label}: {{}}}}.",
            )


def unmatched(folded: pd.DataFrame, images: pd.DataFrame) -> list[str]:
    """The image_ids that were decided on and are not (or no longer) in the collection; their rows stay in the log."""
    return sorted(set(folded["image_id"]) - set(images["image_id"]))


def apply(images: pd.DataFrame, folded: pd.DataFrame) -> pd.DataFrame:
    """Join the decisions to IMAGES: adds original_label and what FOLDED has; labels are not merged yet."""
    columns = ["image_id", "source", "benchmark_set", "label", "subclass", "origin", "error"]
    frame = images[columns].assign(
        original_label=images["label"], decision="", word="", who="", turn=0, line=0, small=False
    )
    rows = pd.Index(images["image_id"]).get_indexer(pd.Index(folded["image_id"]))
    told = folded[rows >= 0].set_axis(rows[rows >= 0])
    for column in ("decision", "word", "who", "turn", "line", "small"):
        frame.loc[told.index, column] = told[column]
    relabelled = told[told["label"] != ""]
    frame.loc[relabelled.index, ["label", "subclass"]] = relabelled[["label", "subclass"]]
    named = told[(told["benchmark_set"] != "") & (frame.loc[told.index, "source"] != "benchmark")]
    frame.loc[named.index, "benchmark_set"] = named["benchmark_set"]
    return frame


def merged(labels: pd.Series, ends: Mapping[str, str]) -> pd.Series:
    """Labels as the model sees them, after `resolve_merges`."""
    return labels.map(lambda label: ends.get(label, label)) if ends else labels


def is_image_id(text: str) -> bool:
    """Whether a text can be an image_id or the beginning of one."""
    return re.fullmatch(r"[0-9a-f]{4,32}", text) is not None
