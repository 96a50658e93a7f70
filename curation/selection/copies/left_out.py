"""What each rule left out, by reason code, and what brings it back: a decision, a setting, or something else.

Most tools that clean data sets delete in silence, and then nobody sees that a rule was wrong. Here nothing is deleted:
an image that is left out has a reason code in SELECTION or SPLITS, and every code has a way back or a cause.
"""

from collections.abc import Mapping

import pandas as pd

from curation.selection.funnel import GENERAL
from curation.tables.codes import Reason, Split, State

EXAMPLES = 3  # images that are named for each reason
BY_DECISION = (Reason.COPY, Reason.COPY_OF_REMOVED, Reason.REMOVED, Reason.LABEL_CONFLICT, Reason.UNKNOWN)
WAYS = {  # what brings an image back
    Reason.COPY: "`curate undrop IMAGE` says that it is no copy; `dedupe.policy: identical` keeps all such images",
    Reason.COPY_OF_REMOVED: "`curate undrop IMAGE` keeps it, whatever was decided on its copy",
    Reason.REMOVED: "`curate undrop IMAGE` restores what was decided before, or keeps it",
    Reason.LABEL_CONFLICT: "`curate undrop IMAGE` keeps it with its own label; the view `conflicts` shows the pairs",
    Reason.UNKNOWN: "`curate undrop IMAGE` takes the decision back; else give it a label in `curate review open`",
    Reason.COPY_OF_BENCHMARK: "the benchmark measures on this picture; take that image out of its set to train on it",
    Reason.GROUP_OF_BENCHMARK: "the benchmark measures on its group; `split.group_by` says which columns make groups",
    Reason.SCENE_OF_BENCHMARK: "the benchmark measures on this scene; `dedupe.leak_similarity` says how alike that is",
    Reason.BELOW_MINIMUM: "a lower `cutoff.min`, or `cutoff.classes: {CLASS: {min: N}}`; or more images",
    Reason.ABOVE_MAXIMUM: "a higher `cutoff.max`, or `cutoff.classes: {CLASS: {max: N}}`",
    Reason.UNREADABLE: "replace the file by one that can be read; `curate explain IMAGE` says what is wrong with it",
    Reason.NOT_LABELLED: "give it a label: `curate next` says which images to label first",
    Reason.GROUP_ELSEWHERE: (
        "`split.mixed: follow` lets a collected image follow its leak group; staged, synthetic and model-chosen images "
        "are only trained on"
    ),
    Reason.TRAINED_ON_BEFORE: "nothing: an earlier model learnt it, so it can't measure a model any more",
}
SAYS = GENERAL | {
    Reason.GROUP_ELSEWHERE: "another split has its leak group",
    Reason.TRAINED_ON_BEFORE: "an earlier model was trained on it or on a copy of it",
}
LEFT_OUT = ["image_id", "path", "label", "subclass", "original_label", "reason_code", "reason"]


def left_out(selection: pd.DataFrame, splits: pd.DataFrame | None, paths: Mapping[str, str]) -> pd.DataFrame:
    """The images that no model is trained on or measured on, and why: LEFT_OUT, in the order of SELECTION.

    splits: SPLITS, or None where that stage has not run; paths: the path of each image_id.
    """
    rows = selection[~selection["state"].isin([State.KEPT, State.BENCHMARK])]
    columns = ["image_id", "label", "subclass", "original_label", "reason_code", "reason"]
    parts = [rows[columns]]
    if splits is not None:
        out = splits.loc[splits["split"] == Split.OUT, ["image_id", "reason_code", "reason"]]
        out = out[~out["image_id"].isin(rows["image_id"])]
        parts.append(selection[["image_id", "label", "subclass", "original_label"]].merge(out, on="image_id"))
    found = pd.concat(parts, ignore_index=True)
    return found.assign(path=[paths.get(one, "") for one in found["image_id"]])[LEFT_OUT]


def by_reason(left: pd.DataFrame) -> pd.DataFrame:
    """One row for each reason, the most frequent first: reason_code, images, says, way_back, examples (paths).

    left: as `left_out` gives it.
    """
    rows = [
        {
            "reason_code": code.value,
            "images": int((left["reason_code"] == code).sum()),
            "says": SAYS[code],
            "way_back": WAYS[code],
            "examples": left.loc[left["reason_code"] == code, "path"].sort_values().head(EXAMPLES).tolist(),
        }
        for code in map(Reason, sorted(left["reason_code"].unique()))
    ]
    table = pd.DataFrame(rows, columns=["reason_code", "images", "says", "way_back", "examples"])
    return table.sort_values(["images", "reason_code"], ascending=[False, True], kind="stable", ignore_index=True)
