"""Saved views: the questions a reviewer asks the queue, one click each.

Each view shows what still waits for a decision, in the order of the queue; `decided` shows the rest. Views that a reviewer
saved stay as they are; ours are renewed at every push.
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd

MOST_CLUSTERS = 200
MOST_PAIRS = 50
SURE_ERROR = 0.5
SURE_LABEL = 0.1
View = tuple[str, Any, str]  # name, view, description


def save(fo: Any, dataset: Any, rows: pd.DataFrame) -> list[str]:
    """Save the views that the rows call for; their names in order."""
    for name in dataset.info.get("curation_views", []):
        if dataset.has_saved_view(name):
            dataset.delete_saved_view(name)
    made: list[str] = []
    slugs = {view["slug"] for view in dataset.list_saved_views(info=True)}
    for name, view, description in _views(fo, dataset, rows):
        own = _free(fo, name, slugs)
        dataset.save_view(own, view, description=description)
        made.append(own)
    dataset.info["curation_views"] = made
    return made


def _free(fo: Any, name: str, slugs: set[str]) -> str:
    """`name`, or with a number where its URL form is taken (`a -> b` and `a b` have the same one)."""
    number, tried = 1, name
    while fo.core.utils.to_slug(tried) in slugs:
        number += 1
        tried = f"{name} ({number})"
    slugs.add(fo.core.utils.to_slug(tried))
    return tried


def _views(fo: Any, dataset: Any, rows: pd.DataFrame) -> Iterator[View]:
    field = fo.ViewField
    if "rank" not in rows or "role" not in rows:
        return
    queue = dataset.match(field("role") == "queue").sort_by("rank")
    waiting = queue.match(field("decision") == "")
    yield "to review", waiting, "Everything that waits for a decision, most worth it first"
    yield "probable label errors", waiting.match(field("label_error") >= SURE_ERROR), "The label is probably wrong"
    yield "conflicts", waiting.match(field("kind") == "conflict"), "Its twins carry another label"
    yield "unsure", waiting.match(field("kind") == "doubt"), "Right, but the model was not sure"
    hard = waiting.match((field("kind") == "error") & (field("label_error") < SURE_LABEL))
    yield "good but hard", hard, "The label is probably right and the model wrong: what to learn from"
    yield "out of scope", waiting.match(field("kind") == "out of scope"), "Probably none of the classes"
    yield "decided", queue.match(field("decision") != ""), "What people decided already"
    yield from _by_cluster(field, waiting, rows[rows["role"] == "queue"])
    yield from _by_pair(field, waiting, rows[(rows["role"] == "queue") & (rows["label"] != rows["predicted"])])


def _by_cluster(field: Any, waiting: Any, queue: pd.DataFrame) -> Iterator[View]:
    told = queue.drop_duplicates("cluster").set_index("cluster")["explanation"]
    for cluster in queue["cluster"].value_counts(sort=True).index[:MOST_CLUSTERS]:
        name = f"cluster {int(cluster):02d}" if cluster >= 0 else "no cluster"
        yield name, waiting.match(field("cluster") == int(cluster)), str(told.get(cluster) or "")


def _by_pair(field: Any, waiting: Any, wrong: pd.DataFrame) -> Iterator[View]:
    pairs = wrong.groupby(["label", "predicted"]).size().sort_values(ascending=False, kind="stable")
    for label, predicted in list(pairs.index)[:MOST_PAIRS]:
        view = waiting.match((field("ground_truth.label") == label) & (field("prediction.label") == predicted))
        yield f"{label} → {predicted}", view, f"Labelled {label}, predicted {predicted}"
