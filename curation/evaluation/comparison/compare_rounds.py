"""Compare any two rounds (commits, tags, branches or experiments) from the predictions that DVC keeps.

Only images count that both rounds held out (test or benchmark), so neither model was trained on them, and only classes
that both models know, because a model can't name another one. The truth is the label of the newer round, because
reviews correct labels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from curation import tables
from curation.errors import CurationError
from curation.evaluation.comparison.paired import Against, against, by_class
from curation.evaluation.prediction_facts import groups_of
from curation.project import Project, Reader, RevisionError
from curation.tables.codes import HELD_OUT_SPLITS

WORKSPACE = "workspace"
COLUMNS = ["image_id", "split", "benchmark_set", "label", "predicted", "confidence", "loss"]


class CompareError(CurationError):
    """A revision whose predictions can't be read, or two revisions that share no held-out image."""


@dataclass(frozen=True)
class Comparison:
    """How B compares with A: by set, by class, and every image whose prediction became right or wrong."""

    sets: dict[str, Against]
    classes: pd.DataFrame
    changed: pd.DataFrame  # image_id, set, label, old, new, change, confidence
    left_out: int  # images that only one of the two rounds held out
    relabelled: int
    other_classes: int  # images that both held out, of a class that one of the two models does not know


def read_revision(project: Project, revision: str) -> pd.DataFrame:
    """Predictions of a revision, with the leak group of each image; `workspace` is the tables that lie here."""
    if revision == WORKSPACE:
        return _with_groups(project)
    try:
        return _with_groups(project.at(revision))
    except RevisionError as error:
        raise CompareError(
            f"`{revision}` has no predictions that can be read: {error}. Name a commit, tag, branch or experiment at "
            f"which `dvc repro` was run, or `{WORKSPACE}`"
        ) from None


def _with_groups(source: Reader) -> pd.DataFrame:
    groups = source.table(tables.SPLITS, ["image_id", "leak_group"])
    return source.table(tables.PREDICTIONS, COLUMNS).merge(groups, "left", "image_id")


def compare(old: pd.DataFrame, new: pd.DataFrame) -> Comparison:
    """Compare two tables of predictions on the images that both hold out.

    old, new: the columns COLUMNS. `leak_group` of the newer one, where it has this column, says what belongs together.
    """
    held = [frame[frame["split"].isin(HELD_OUT_SPLITS)] for frame in (old, new)]
    shared = held[1].merge(held[0], "inner", "image_id", suffixes=("", "_old"))
    both = shared[shared["label"].isin(known_classes(old) & known_classes(new))].reset_index(drop=True)
    if both.empty:
        raise CompareError(
            "the two rounds share no image in test or benchmark of a class that both models know, so there is nothing "
            "to compare them on"
        )
    new_right = np.asarray(both["predicted"] == both["label"], bool)
    old_right = np.asarray(both["predicted_old"] == both["label"], bool)
    names = both["split"].where(both["benchmark_set"] == "", "benchmark/" + both["benchmark_set"])
    groups = groups_of(both)
    sets: dict[str, Against] = {}
    for name in sorted(set(names)):
        here = np.asarray(names == name, bool)
        sets[str(name)] = against(new_right[here], old_right[here], groups[here])
    return Comparison(
        sets,
        by_class(both["label"], new_right, old_right, groups),
        _changed(both.assign(set=names), new_right, old_right),
        len(held[0]) + len(held[1]) - 2 * len(shared),
        int((both["label"] != both["label_old"]).sum()),
        len(shared) - len(both),
    )


def known_classes(predictions: pd.DataFrame) -> set[str]:
    """The classes of the model that made these predictions: only an image of one of them has a loss."""
    return set(predictions.loc[np.isfinite(predictions["loss"].to_numpy(float)), "label"])


def _changed(both: pd.DataFrame, new_right: Any, old_right: Any) -> pd.DataFrame:
    change = np.select([new_right & ~old_right, old_right & ~new_right], ["better", "worse"], "")
    columns = {"predicted_old": "old", "predicted": "new"}
    rows = both.assign(change=change)[change != ""].rename(columns=columns)
    order = ["change", "confidence", "image_id"]
    rows = rows.sort_values(order, ascending=[False, False, True], kind="stable", ignore_index=True)
    return pd.DataFrame(rows[["image_id", "set", "label", "old", "new", "change", "confidence"]])
