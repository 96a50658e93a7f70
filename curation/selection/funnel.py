"""The funnel: how many images of each class pass each step, and why the others do not.

The steps are: raw, readable, unique, decided, above the cutoff, kept, and then the splits. These are functions on
tables. The stages write their results to reports/selection/ and reports/split/, and `curate thin` reads the thin
classes from here.
"""

import pandas as pd

from curation.params import Params
from curation.selection.class_limits import Limits
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import MODEL_SPLITS, Origin, Reason, Source, Split, State

STEPS = ["raw", "readable", "unique", "decided", "above cutoff", "kept"]
SPLIT_NAMES = [split.value for split in (*MODEL_SPLITS, Split.OUT)]
ORIGINS = [origin.value for origin in Origin]
GENERAL = {  # what a reason says of many images
    Reason.UNREADABLE: "unreadable",
    Reason.REMOVED: "removed by review",
    Reason.IN_BENCHMARK: "in a benchmark set",
    Reason.NOT_LABELLED: "nobody has labelled it",
    Reason.UNKNOWN: "nobody knows what it shows",
    Reason.COPY_OF_BENCHMARK: "copy of a benchmark image",
    Reason.GROUP_OF_BENCHMARK: "in one group of the metadata with a benchmark image",
    Reason.SCENE_OF_BENCHMARK: "in one leak group with a benchmark image",
    Reason.LABEL_CONFLICT: "its copies have different labels",
    Reason.COPY_OF_REMOVED: "copy of an image that review removed",
    Reason.COPY: "copy of an image that stays",
    Reason.BELOW_MINIMUM: "its class has too few images",
    Reason.ABOVE_MAXIMUM: "its class has its maximum without it",
}


def steps(selection: pd.DataFrame) -> pd.DataFrame:
    """How far each image of data/raw (or labelled by review) came: image_id, label, step (the last one passed)."""
    rows = selection[(selection["source"] != Source.BENCHMARK) & (selection["state"] != State.POOL)]
    code, state = rows["reason_code"], rows["state"]
    step = pd.Series("kept", index=rows.index, dtype="str")
    step[state == State.RESERVE] = "above cutoff"
    step[code == Reason.BELOW_MINIMUM] = "decided"
    undecided = code.isin([Reason.LABEL_CONFLICT, Reason.REMOVED, Reason.COPY_OF_REMOVED])
    undecided |= code.isin([Reason.GROUP_OF_BENCHMARK, Reason.SCENE_OF_BENCHMARK])
    step[undecided | state.isin([State.UNKNOWN, State.BENCHMARK])] = "unique"
    step[code.isin([Reason.COPY, Reason.COPY_OF_BENCHMARK])] = "readable"
    step[code == Reason.UNREADABLE] = "raw"
    return pd.DataFrame({"image_id": rows["image_id"], "label": rows["label"], "step": step})


def funnel(selection: pd.DataFrame, splits: pd.DataFrame | None = None) -> pd.DataFrame:
    """Images that passed each step, all classes together: step, images; with `splits`, the splits follow."""
    last = steps(selection)["step"].value_counts().reindex(STEPS, fill_value=0)
    passed = last[::-1].cumsum()[::-1]
    table = pd.DataFrame({"step": STEPS, "images": passed.to_numpy()})
    if splits is None:
        return table
    in_split = splits["split"].value_counts().reindex(SPLIT_NAMES, fill_value=0)
    return pd.concat([table, pd.DataFrame({"step": SPLIT_NAMES, "images": in_split.to_numpy()})], ignore_index=True)


def classes(selection: pd.DataFrame, params: Params) -> pd.DataFrame:
    """One row for each class: label, images at every step, origins, sub-classes, minimum, misses.

    `misses` is how many images the class has too few; `thin` is whether that is at most `cutoff.reach`.
    """
    last = steps(selection)
    last = last[~last["label"].isin([UNKNOWN, ""])]
    counts = pd.crosstab(last["label"], last["step"]).reindex(columns=STEPS, fill_value=0)
    table = counts.loc[:, ::-1].cumsum(axis=1).loc[:, ::-1]
    standing = selection[selection["image_id"].isin(last.loc[last["step"].isin(STEPS[3:]), "image_id"])]
    origin = pd.crosstab(standing["label"], standing["origin"]).reindex(table.index, fill_value=0)
    origin = origin.reindex(columns=ORIGINS, fill_value=0)
    table[ORIGINS] = origin
    table["sub-classes"] = _shares(standing).reindex(table.index, fill_value="")
    counted = origin[Origin.REAL.value] if params.cutoff.count == "real" else origin.sum(axis=1)
    table["minimum"] = Limits(params, "min").of(pd.Series(table.index))
    table["misses"] = (table["minimum"] - counted).clip(lower=0)
    table["thin"] = (table["misses"] > 0) & (table["misses"] <= params.cutoff.reach)
    return table.rename_axis(index="label", columns=None).reset_index()


def thin(selection: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Classes below their minimum and within `cutoff.reach` of it, the nearest first: label, has, minimum, misses."""
    table = classes(selection, params)
    rows = table[table["thin"]].sort_values(["misses", "label"], ignore_index=True)
    return rows.assign(has=rows["minimum"] - rows["misses"])[["label", "has", "minimum", "misses"]]


def nothing_left(table: pd.DataFrame) -> str:
    """Say that no class reaches its minimum, and which is nearest; "" where one does. table: as `classes` gives it."""
    if table.empty or (table["misses"] <= 0).any():
        return ""
    near = table.sort_values(["misses", "label"]).iloc[0]
    return (
        f"no class reaches its minimum, so there is nothing to train on: `{near['label']}` comes nearest, with "
        f"{near['minimum'] - near['misses']} of {near['minimum']} images. Lower `cutoff.min`, or add images"
    )


def dropped(selection: pd.DataFrame) -> pd.DataFrame:
    """Images that are not kept: state, reason (without names and numbers), images; the most frequent first."""
    rows = selection[selection["state"] != State.KEPT]
    table = (
        rows.assign(reason=rows["reason_code"].map(GENERAL))
        .groupby(["state", "reason"])
        .size()
        .rename("images")
        .reset_index()
    )
    return table.sort_values(["images", "reason"], ascending=[False, True], ignore_index=True)


def by_split(splits: pd.DataFrame) -> pd.DataFrame:
    """One row for each class: label and its images in train, val, test, benchmark, out, reserve and conflict."""
    named = splits[~splits["label"].isin([UNKNOWN, ""])]
    table = pd.crosstab(named["label"], named["split"]).reindex(
        columns=[*SPLIT_NAMES, Split.RESERVE.value, Split.CONFLICT.value], fill_value=0
    )
    return table.rename_axis(index="label", columns=None).reset_index()


def basis(splits: pd.DataFrame) -> pd.DataFrame:
    """How many images have each split, by the rule that gave it: split, basis, images."""
    return splits.groupby(["split", "basis"]).size().rename("images").reset_index()


def _shares(standing: pd.DataFrame) -> pd.Series:
    """Sub-classes of each class as text, the largest first: "old 60%, young 40%"."""
    named = standing[standing["subclass"] != ""]
    counts = named.groupby(["label", "subclass"]).size().rename("n").reset_index()
    whole = standing["label"].value_counts()
    counts = counts.sort_values(["label", "n", "subclass"], ascending=[True, False, True])
    share = (100 * counts["n"] / whole.reindex(counts["label"]).to_numpy()).round().astype("int64").astype("str")
    counts["text"] = counts["subclass"] + " " + share + "%"
    return counts.groupby("label")["text"].agg(", ".join)
