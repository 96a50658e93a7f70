"""Twins and labels: which copy stays, which labels contradict, what a decision on one says of the others.

A star is a keeper and the images that dedupe verified to be its twins; they show the same picture, so a label that a
person gave to one of them holds for all that nobody decided on. Where undecided twins carry different labels, none of
them is trained on until somebody decides: one of the labels is wrong, and a model can't tell which.
"""

import numpy as np
import pandas as pd

from curation.images.labels import UNKNOWN

ABOUT_LABEL = ("relabel", "keep", "unknown")


def join(frame: pd.DataFrame, duplicates: pd.DataFrame) -> pd.DataFrame:
    """Add keeper and leak_group; an image that dedupe did not see is its own keeper, alone in its group."""
    twins = duplicates[["image_id", "keeper", "leak_group"]]
    joined = frame.merge(twins, on="image_id", how="left", validate="one_to_one")
    for column in ("keeper", "leak_group"):
        joined[column] = joined[column].where(joined[column].notna(), joined["image_id"])
    return joined


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
    """For each row the labels its star contradicts itself in, joined by " / ", or "".

    frame: image_id, keeper, label (merged), word, usable (readable, not removed, of data/raw); copies: image_id and
    label (merged) of the further files with the same bytes. A label that somebody decided silences the undecided ones.
    """
    votes = frame.loc[frame["usable"] & ~frame["label"].isin(["", UNKNOWN]), ["keeper", "label", "word"]]
    owner = frame.loc[frame["usable"] & (frame["word"] == ""), ["image_id", "keeper", "word"]]
    more = copies[~copies["label"].isin(["", UNKNOWN])].merge(owner, on="image_id")
    votes = pd.concat([votes, more[["keeper", "label", "word"]]], ignore_index=True)
    votes["decided"] = votes["word"].isin(ABOUT_LABEL)
    settled = frame.loc[frame["usable"] & frame["word"].isin(ABOUT_LABEL), "keeper"]
    votes = votes[votes["decided"] | ~votes["keeper"].isin(settled)].drop_duplicates(["keeper", "label"])
    torn = votes[votes["keeper"].duplicated(keep=False)].sort_values(["keeper", "label"])
    text = torn.groupby("keeper")["label"].agg(" / ".join)
    found = frame["keeper"].map(text).fillna("")
    return found.where(frame["usable"], "")


def redundant(frame: pd.DataFrame, stands: pd.Series) -> pd.Series:
    """Which rows are twins of a keeper that stands (a bool for each row): those need not be kept."""
    position = pd.Series(np.arange(len(frame)), index=frame["image_id"])
    where = position.reindex(frame["keeper"]).fillna(-1).astype("int64").to_numpy()
    other = (where >= 0) & (where != np.arange(len(frame)))
    return pd.Series(other & stands.to_numpy()[where], index=frame.index)
