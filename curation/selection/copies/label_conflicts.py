"""Labels within a cluster of copies: when they conflict, and how a decision on one copy holds for the others.

A cluster is a keeper and the images that dedupe verified as its copies. They show the same picture. So a label that a
person gave to one of them holds for all copies that nobody decided on. Where undecided copies have different labels,
none of them is trained on until somebody decides: one of the labels is wrong, and a model can't tell which. They are
scored like any other image, and the review shows them side by side.

`dedupe.policy` says which copies count: all of them, those with the same pixels, or none.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.decisions.words import LABEL_WORDS
from curation.params.blocks import Policy
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Source, Word


def counted_keepers(duplicates: pd.DataFrame, policy: Policy) -> pd.Series:
    """The keeper of each row of DUPLICATES as the policy counts it: its own image_id where it is no copy to the policy.

    copies: every verified copy counts. identical: only a copy with the same decoded pixels. none: no copy counts.
    """
    if policy == "identical":
        return duplicates["keeper"].where(duplicates["same_pixels"].astype(bool), duplicates["image_id"])
    return duplicates["keeper" if policy == "copies" else "image_id"]


def join(frame: pd.DataFrame, duplicates: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Add keeper, keeper_row (its row, -1 where it is missing) and leak_group to rows that are unique by image_id.

    An image that dedupe did not see is its own keeper, alone in its group.
    """
    duplicates = duplicates.assign(keeper=counted_keepers(duplicates, policy))
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
    """Give undecided copies the label that was decided last in their cluster, unless two labels were decided.

    Adds `label_from`: the image_id of the copy whose decision gave an image its label; "" where none did.
    """
    out = frame.assign(label_from="")
    decided = frame[frame["word"].isin(LABEL_WORDS)]
    if decided.empty:
        return out
    latest = (
        decided.sort_values("order")
        .groupby("keeper")
        .agg(
            label=("label", "last"),
            subclass=("subclass", "last"),
            label_from=("image_id", "last"),
            ways=("label", "nunique"),
        )
    )
    latest = latest[latest["ways"] == 1]
    undecided = (frame["word"] == "") & (frame["source"] == Source.RAW) & frame["keeper"].isin(latest.index)
    rows = frame.index[undecided]
    decided_labels = latest.loc[frame.loc[rows, "keeper"]]
    changed = (decided_labels["label"].to_numpy() != frame.loc[rows, "label"].to_numpy()).astype(bool)
    columns = ["label", "subclass", "label_from"]
    out.loc[rows[changed], columns] = decided_labels.loc[changed, columns].to_numpy()
    return out


def conflicts(frame: pd.DataFrame, copies: pd.DataFrame) -> pd.Series:
    """The different labels of a cluster, joined by " / ", for the rows (by index) of clusters in conflict.

    frame: image_id, keeper_row, label (merged), word, usable (readable, not removed, not of a benchmark); copies:
    image_id and label (merged) of the further files with the same bytes. Where a label is decided, the undecided ones
    do not count. An image that was decided on stays as decided, whatever the others say.
    """
    usable = frame.loc[frame["usable"], ["image_id", "keeper_row", "label", "word"]]
    many = usable["keeper_row"].duplicated(keep=False)
    more = usable[["image_id", "keeper_row", "word"]].merge(copies, on="image_id") if len(copies) else usable[:0]
    votes = pd.concat([usable[many], more[more["word"] == ""]], ignore_index=True)
    if len(more):
        votes = pd.concat([votes, usable[usable["image_id"].isin(more["image_id"])]], ignore_index=True)
    votes = votes[~votes["label"].isin(["", UNKNOWN])]
    decided = votes["word"].isin(LABEL_WORDS)
    settled = usable.loc[usable["word"].isin(LABEL_WORDS), "keeper_row"]
    votes = votes[decided | ~votes["keeper_row"].isin(settled)].drop_duplicates(["keeper_row", "label"])
    several = votes[votes["keeper_row"].duplicated(keep=False)].sort_values(["keeper_row", "label"])
    text = several.groupby("keeper_row")["label"].agg(" / ".join)
    hit = usable["keeper_row"].isin(text.index) & ~usable["word"].isin(LABEL_WORDS)
    return usable.loc[hit, "keeper_row"].map(text).astype("str")


def redundant(frame: pd.DataFrame, stands: pd.Series) -> NDArray[np.bool_]:
    """Bool [n]: which rows are copies of a keeper that is itself kept. stands: bool [n], which rows are kept so far."""
    where = frame["keeper_row"].to_numpy()
    other = (where >= 0) & (where != np.arange(len(frame)))
    return np.asarray(other & stands.to_numpy(dtype=bool)[where])


def kept_apart(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows a person decided to keep beside their keeper: bool [n].

    Both were decided on, and either under different labels or both by `keep`: then neither is dropped for the other.
    Two that were given one label by other decisions, an import of labels say, are still one picture.
    """
    where = frame["keeper_row"].to_numpy()
    word, label = frame["word"].to_numpy(dtype=object), frame["label"].to_numpy(dtype=object)
    decided = frame["word"].isin(LABEL_WORDS).to_numpy()
    both = (where >= 0) & (where != np.arange(len(frame))) & decided & decided[where]
    kept = (word == Word.KEEP) & (word[where] == Word.KEEP)
    return np.asarray(both & (kept | (label != label[where])))
