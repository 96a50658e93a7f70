"""Twins and labels: which copy stays, which labels contradict, what a decision on one says of the others.

A star is a keeper and the images that dedupe verified to be its twins; they show the same picture, so a label that a
person gave to one of them holds for all that nobody decided on. Where undecided twins carry different labels, none of
them is trained on until somebody decides: one of the labels is wrong, and a model can't tell which.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.tables.class_names import UNKNOWN

ABOUT_LABEL = ("relabel", "keep", "unknown")


def join(frame: pd.DataFrame, duplicates: pd.DataFrame) -> pd.DataFrame:
    """Add keeper, keeper_row (its place, -1 where it is not there) and leak_group to rows that are unique by image_id.

    An image that dedupe did not see is its own keeper, alone in its group.
    """
    ids = pd.Index(frame["image_id"])
    seen = ids.get_indexer(pd.Index(duplicates["image_id"]))
    out = frame.copy()
    for column in ("keeper", "leak_group"):
        values = frame["image_id"].to_numpy(dtype=object, copy=True)
        values[seen[seen >= 0]] = duplicates[column].to_numpy(dtype=object)[seen >= 0]
        out[column] = pd.Series(values, index=frame.index, dtype="str")
    out["keeper_row"] = ids.get_indexer(pd.Index(out["keeper"]))
    return out


def spread_decisions(frame: pd.DataFrame) -> pd.DataFrame:
    """Give undecided twins the label that was decided for one of their star; a star decided in two ways stays."""
    decided = frame[frame["word"].isin(ABOUT_LABEL)]
    if decided.empty:
        return frame
    latest = (
        decided.sort_values("line")
        .groupby("keeper")
        .agg(label=("label", "last"), subclass=("subclass", "last"), ways=("label", "nunique"))
    )
    latest = latest[latest["ways"] == 1]
    undecided = (frame["word"] == "") & (frame["source"] == "raw") & frame["keeper"].isin(latest.index)
    rows = frame.index[undecided]
    told = latest.loc[frame.loc[rows, "keeper"]]
    changed = (told["label"].to_numpy() != frame.loc[rows, "label"].to_numpy()).astype(bool)
    out = frame.copy()
    out.loc[rows[changed], ["label", "subclass"]] = told.loc[changed, ["label", "subclass"]].to_numpy()
    return out


def conflicts(frame: pd.DataFrame, copies: pd.DataFrame) -> pd.Series:
    """The labels in which stars contradict themselves, joined by " / ", for the rows (by index) that this concerns.

    frame: image_id, keeper_row, label (merged), word, usable (readable, not removed, not of a benchmark); copies:
    image_id and label (merged) of the further files with the same bytes. A decided label silences the undecided ones.
    """
    usable = frame.loc[frame["usable"], ["image_id", "keeper_row", "label", "word"]]
    many = usable["keeper_row"].duplicated(keep=False)
    more = usable[["image_id", "keeper_row", "word"]].merge(copies, on="image_id") if len(copies) else usable[:0]
    votes = pd.concat([usable[many], more[more["word"] == ""]], ignore_index=True)
    if len(more):
        votes = pd.concat([votes, usable[usable["image_id"].isin(more["image_id"])]], ignore_index=True)
    votes = votes[~votes["label"].isin(["", UNKNOWN])]
    decided = votes["word"].isin(ABOUT_LABEL)
    settled = usable.loc[usable["word"].isin(ABOUT_LABEL), "keeper_row"]
    votes = votes[decided | ~votes["keeper_row"].isin(settled)].drop_duplicates(["keeper_row", "label"])
    torn = votes[votes["keeper_row"].duplicated(keep=False)].sort_values(["keeper_row", "label"])
    text = torn.groupby("keeper_row")["label"].agg(" / ".join)
    hit = usable["keeper_row"].isin(text.index)
    return usable.loc[hit, "keeper_row"].map(text).astype("str")


def redundant(frame: pd.DataFrame, stands: pd.Series) -> NDArray[np.bool_]:
    """Which rows are twins of a keeper that stands: bool [n], from `stands`, a bool for each row."""
    where = frame["keeper_row"].to_numpy()
    other = (where >= 0) & (where != np.arange(len(frame)))
    return np.asarray(other & stands.to_numpy(dtype=bool)[where])
