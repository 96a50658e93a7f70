"""The review queue of a project: read it from the tables, push it, pull the decisions, and report what was done."""

from typing import Any

import pandas as pd

from curation import tables
from curation.decisions.class_merges import resolve_merges
from curation.decisions.fold import fold, pairs
from curation.decisions.log import read_reviews
from curation.evaluation.queue.blind_review import hidden, with_blind
from curation.params import Params
from curation.params.blocks import Review
from curation.project import Project
from curation.review import database, queue_rows
from curation.review.interface import plugin_install
from curation.review.pull import Pulled, pull
from curation.review.push import Pushed, push_rows
from curation.tables.codes import Kind, Word


def read_queue(project: Project, config: Review) -> pd.DataFrame:
    """Return the rows to push: the first of the queue, earlier decisions, nearest correct images, and pairs.

    At most `config.limit` images of the queue, and the agreements that `config.blind` mixes in. What is reviewed blind
    holds nothing of the model's answer.
    Two images in a label conflict of which a person said that they are no copies are decided.
    """
    reviews = read_reviews(project.reviews)
    on_pairs = pairs(reviews)
    model = queue_rows.model_id(project.candidate)
    found = project.table(tables.ERRORS)
    predictions = project.table(tables.PREDICTIONS, [*queue_rows.FROM_PREDICTIONS, *queue_rows.NEIGHBOUR_FIELDS[1:]])
    errors = with_blind(found, predictions, config.blind, config.limit, model)
    duplicates = project.table(tables.DUPLICATES, ["image_id", "keeper", "marked_copy_of"])
    frame = queue_rows.queue(
        errors,
        predictions,
        project.table(tables.IMAGES, queue_rows.FROM_IMAGES),
        queue_rows.unsettled(duplicates, on_pairs),
        config.limit + len(errors) - len(found),
    )
    frame = hidden(frame)
    held = queue_rows.decided(fold(reviews), model)
    said_of_pairs = queue_rows.pairs_decided(frame, on_pairs)
    rows = zip(frame["image_id"], frame["kind"], said_of_pairs, strict=True)
    apart = {one: said for one, kind, said in rows if kind == Kind.CONFLICT and said.startswith(Word.NOT_COPY)}
    return frame.assign(
        decision=[held.get(one, apart.get(one, "")) for one in frame["image_id"]], pair_decision=said_of_pairs
    )


def push_project(project: Project, params: Params) -> tuple[Pushed, pd.DataFrame]:
    """Push the queue of the project to FiftyOne. Return what was done, and the rows."""
    fo = database.connect()
    with project.lock("queue"):
        frame = read_queue(project, params.review)
        name = database.dataset_name(fo, params.review.dataset, project.root)
        plugin_install.install(fo)
        return push_rows(fo, name, frame, project.root, info_of(project, params)), frame


def info_of(project: Project, params: Params) -> dict[str, Any]:
    """Return what the plugin must know of the project: its log, model, classes, merges and benchmark sets."""
    sets = project.table(tables.IMAGES, ["benchmark_set"])["benchmark_set"]
    return {
        "curation_model": queue_rows.model_id(project.candidate),
        "curation_classes": sorted(known_classes(project)),
        "curation_merges": [list(pair) for pair in sorted(resolve_merges(params.classes.merge).items())],
        "curation_sets": sorted(set(sets) - {""}),
    }


def receipt(params: Params, frame: pd.DataFrame) -> dict[str, Any]:
    """Return the content of reports/review.json: what there is to review, the same on every machine and day.

    Whether FiftyOne has it differs by machine, so that is written to `push_state`.
    """
    queue = frame[frame["role"] == "queue"]
    return {
        "dataset": params.review.dataset,
        "queue": len(queue),
        "decided": int((queue["decision"] != "").sum()),
        "neighbours": int((frame["role"] == "neighbour").sum()),
        "marked": int(frame["marked"].sum()),
        "kinds": {str(kind): int(n) for kind, n in sorted(queue["kind"].value_counts().items())},
        "clusters": int(queue.loc[queue["cluster"] >= 0, "cluster"].nunique()),
    }


def push_state(skipped: str) -> dict[str, str]:
    """Return what the stage did on this machine: pushed, or the reason why not and what to do."""
    if skipped:
        return {"state": "skipped", "reason": skipped, "fix": "run `curate review push`"}
    return {"state": "pushed"}


def is_temporary(project: Project) -> bool:
    """Return True in the temporary copy of `dvc exp run --temp` or of a queued experiment."""
    parts = project.root.parts
    return any(parts[at : at + 3] == (".dvc", "tmp", "exps") for at in range(len(parts)))


def pull_project(project: Project, reviewer: str, new_classes: bool) -> Pulled:
    """Add the decisions that were tagged in the dataset of the project to data/reviews.csv."""
    fo = database.connect()
    dataset = database.load(fo, project.params().review.dataset, project.root)
    return pull(dataset, project, reviewer, known_classes(project), new_classes)


def known_classes(project: Project) -> set[str]:
    """Return every label of an image of the project, without the reserved `unknown`."""
    labels = project.table(tables.IMAGES, ["label"])["label"]
    return set(labels) - {"", "unknown"}
