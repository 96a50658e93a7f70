"""Saved views of the queue, one for each question that a reviewer may ask.

Each view shows the images that wait for a decision, in the order of the queue; the view `decided` shows the others.
Views that a reviewer saved stay unchanged, and our own views are renewed when a push changes them. The views use the
field `waiting` instead of `decision`, so that a view does not change while a reviewer goes through it. The App reads a
view page by page and counts from its start. If images left the view at each decision, others would move to pages that
the App has read already. `tidy` removes the decided images.
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from curation.evaluation.queue.blind_review import BLIND
from curation.tables.codes import PROBABLE, Kind

MOST_CLUSTERS = 200
MOST_PAIRS = 30
SURE_LABEL = 0.1
WAITING = {"role": "queue", "waiting": True}
OPEN = {"kind": {"$ne": BLIND}}  # the model's answer is shown
MARKED = {"marked": True, "pair_waiting": True}
MARKED_VIEW = "marked copies"
View = tuple[str, dict[str, Any], str]  # name, conditions (as MongoDB has them), description


def save(fo: Any, dataset: Any, rows: pd.DataFrame) -> list[str]:
    """Save the views that the rows need, unless they exist already. Return their names in order.

    FiftyOne reads every saved view again for each one that it saves or deletes, so unchanged views are not touched.
    """
    there = set(dataset.list_saved_views())
    mine = {name: mark for name, mark in _saved(dataset) if name in there}
    slugs = {_slug(fo, name) for name in there - set(mine)}
    made = {_free(fo, name, slugs): (conditions, description) for name, conditions, description in wanted(rows)}
    marks = {name: repr(view) for name, view in made.items()}
    for name in [name for name, mark in mine.items() if marks.get(name) != mark]:
        dataset.delete_saved_view(name)
        del mine[name]
    for name, (conditions, description) in made.items():
        if name not in mine:
            view = dataset.match(conditions).sort_by("pair_rank" if conditions == MARKED else "rank")
            dataset.save_view(name, view, description=description)
    dataset.info["curation_views"] = [[name, mark] for name, mark in marks.items()]
    return list(made)


def stale(dataset: Any) -> Any:
    """Return a view of the decided images that the views of waiting images still show."""
    return dataset.match({"$or": [_decided("waiting", "decision"), _decided("pair_waiting", "pair_decision")]})


def waiting(view: Any) -> Any:
    """Return what still waits in a view: for a decision on an image, or on a marked pair."""
    return view.match({"$or": [WAITING, MARKED]})


def _decided(waits: str, decision: str) -> dict[str, Any]:
    return {waits: True, decision: {"$nin": ["", None]}}


def tidy(dataset: Any) -> None:
    """Remove the images that were decided since the last call from the views.

    Call it when no reviewer goes through a view.
    """
    for waits, decision in (("waiting", "decision"), ("pair_waiting", "pair_decision")):
        if decided := dataset.match(_decided(waits, decision)).values("id"):
            dataset.set_values(waits, dict.fromkeys(decided, False), key_field="id")


def _saved(dataset: Any) -> list[list[str]]:
    """Return the views that the last push saved, each with its conditions; an older version stored only the names."""
    return [one if isinstance(one, list) else [one, ""] for one in dataset.info.get("curation_views", [])]


def _free(fo: Any, name: str, slugs: set[str]) -> str:
    """Return `name`, with a number when its URL form is empty or taken.

    FiftyOne makes the address of a view from Latin letters and digits alone. So a name in another script has none, and
    `a -> b` and `a b` have the same one.
    """
    number, tried = 1, name
    while not (slug := _slug(fo, tried)) or slug in slugs:
        number += 1
        tried = f"{name} ({number})"
    slugs.add(slug)
    return tried


def _slug(fo: Any, name: str) -> str:
    """Return the URL form of a name; "" where it has no Latin letter and no digit."""
    try:
        return str(fo.core.utils.to_slug(name))
    except ValueError:
        return ""


def wanted(rows: pd.DataFrame) -> Iterator[View]:
    """Yield the views for these rows: by question, then by cluster and by label -> prediction, the largest first."""
    queue = rows[rows["role"] == "queue"]
    blind = "kind" in rows and bool((queue["kind"] == BLIND).any())
    only = OPEN if blind else {}
    yield "to review", WAITING | only, "Everything that waits for a decision, most worth it first"
    if blind:
        queue = queue[queue["kind"] != BLIND]
        yield BLIND, WAITING | {"kind": BLIND}, "Held-out images without the model's answer: is the label right?"
    if {"kind", "label_error"} <= set(rows.columns):
        yield from _by_kind()
    if "marked" in rows and rows["marked"].any():
        yield MARKED_VIEW, MARKED, "Probably copies but for one small mark: copies, or different pictures?"
    yield "decided", {"role": "queue", "decision": {"$ne": ""}}, "What people decided already"
    if {"cluster", "explanation"} <= set(rows.columns):
        yield from _by_cluster(queue, only)
    if {"label", "predicted"} <= set(rows.columns):
        yield from _by_pair(queue[queue["label"] != queue["predicted"]])


def _by_kind() -> Iterator[View]:
    hard = {"kind": Kind.ERROR.value, "label_error": {"$lt": SURE_LABEL}}
    yield (
        "probable label errors",
        WAITING | {"kind": Kind.LABEL_ERROR.value},
        f"The label is wrong with a probability of {PROBABLE:.0%} or more",
    )
    yield "conflicts", WAITING | {"kind": Kind.CONFLICT.value}, "Copies of these have another label"
    yield "unsure", WAITING | {"kind": Kind.DOUBT.value}, "The model gives the same label, but was not sure"
    yield (
        "good but hard",
        WAITING | hard,
        "The label is probably right and the model is wrong",
    )
    yield "out of scope", WAITING | {"kind": Kind.OUT_OF_SCOPE.value}, "Probably none of the classes"


def _by_cluster(queue: pd.DataFrame, only: dict[str, Any]) -> Iterator[View]:
    told = queue.drop_duplicates("cluster").set_index("cluster")["explanation"].to_dict()
    sizes = queue.groupby("cluster").size().sort_values(ascending=False, kind="stable")
    for cluster in [int(number) for number in sizes.index[:MOST_CLUSTERS]]:
        name = f"cluster {cluster:02d}" if cluster >= 0 else "no cluster"
        yield name, WAITING | only | {"cluster": cluster}, str(told.get(cluster) or "")


def _by_pair(wrong: pd.DataFrame) -> Iterator[View]:
    pairs = wrong.groupby(["label", "predicted"]).size().sort_values(ascending=False, kind="stable")
    for label, predicted in list(pairs.index)[:MOST_PAIRS]:
        both = {"ground_truth.label": label, "prediction.label": predicted}
        words = (label or "no label", predicted or "nothing")
        yield f"{words[0]} → {words[1]}", WAITING | both, f"Labelled {words[0]}, predicted {words[1]}"
