"""Labels within a cluster of copies: when they conflict, and how a decision on one copy holds for the others.

A cluster is a keeper and the images that dedupe verified as its copies. They show the same picture. So a label that a
person gave to one of them holds for all copies that nobody decided on. Where undecided copies have different labels,
none of them is trained on until somebody decides: one of the labels is wrong, and a model can't tell which. They are
scored like any other image, and the review shows them side by side.

`dedupe.policy` says which copies count: all of them, those with the same pixels, or none.
"""

import pandas as pd

from curation.decisions.words import LABEL_WORDS
from curation.params.blocks import Policy
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Source, Word


def counted_keepers(duplicates: pd.DataFrame, policy: Policy) -> pd.Series:
    """The keeper of each row of DUPLICATES as the policy counts it: its own image_id where it is no copy to the policy.

    copies: every verified copy counts. identical: only images with the same decoded pixels count as copies of the
    first of them, also where all of them are copies of a better picture. none: no copy counts.
    """
    return duplicates[{"copies": "keeper", "identical": "same_pixels_as", "none": "image_id"}[policy]]


def of_copies(decided: pd.DataFrame, duplicates: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Say of every image whose copy it is, and what follows from that for its label.

    decided: as `on_images.decided` gives it. duplicates: image_id, keeper, leak_group and same_pixels_as of DUPLICATES.
    Changes the labels that a decision on a copy gives, and adds:

    - keeper, leak_group: as the policy counts them; an image that dedupe did not see is its own keeper and group
    - keeper_row: the row of the keeper, -1 where it is not in the table
    - label_from: the image_id of the copy whose decision gave the label; "" where none did
    - conflict: the different labels of its copies, joined by " / "; "" where they agree or a decision settles them
    """
    frame = _spread(_joined(decided, duplicates, policy))
    return frame.assign(conflict=_conflicts(frame))


def _joined(frame: pd.DataFrame, duplicates: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Add keeper, keeper_row and leak_group to rows that are unique by image_id."""
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


def _spread(frame: pd.DataFrame) -> pd.DataFrame:
    """Give undecided copies the label that was decided last in their cluster, unless two labels were decided."""
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


def _conflicts(frame: pd.DataFrame) -> pd.Series:
    """The different labels of each cluster in conflict, joined by " / ", for its undecided images; "" for the others.

    Labels count of images that could be trained on, and of their further files with the same bytes. Where a label is
    decided, the undecided ones do not count. An image that was decided on stays as decided, whatever the others say.
    """
    usable = frame[_usable(frame)]
    files = usable[["image_id", "keeper_row", "word", "copy_labels"]]
    files = files[files["copy_labels"].map(len) > 0].explode("copy_labels").rename(columns={"copy_labels": "label"})
    of_files = usable["image_id"].isin(files["image_id"])
    votes = usable.loc[usable["keeper_row"].duplicated(keep=False) | of_files, ["keeper_row", "label", "word"]]
    votes = pd.concat([votes, files.loc[files["word"] == "", ["keeper_row", "label", "word"]]], ignore_index=True)
    votes = votes[~votes["label"].isin(["", UNKNOWN])]
    is_decided = usable["word"].isin(LABEL_WORDS)
    settled = usable.loc[is_decided, "keeper_row"]
    votes = votes[votes["word"].isin(LABEL_WORDS) | ~votes["keeper_row"].isin(settled)]
    votes = votes.drop_duplicates(["keeper_row", "label"])
    several = votes[votes["keeper_row"].duplicated(keep=False)].sort_values(["keeper_row", "label"])
    text = several.groupby("keeper_row")["label"].agg(" / ".join)
    undecided = usable.loc[~is_decided & usable["keeper_row"].isin(text.index), "keeper_row"]
    told = pd.Series("", index=frame.index, dtype="str")
    told[undecided.index] = undecided.map(text).astype("str")
    return told


def _usable(frame: pd.DataFrame) -> "pd.Series[bool]":
    """The images that could be trained on: readable, of a known class, not removed, not of a benchmark set."""
    of_benchmark = (frame["source"] == Source.BENCHMARK) | (frame["benchmark_set"] != "")
    named = ~frame["label"].isin(["", UNKNOWN])
    return (frame["error"] == "") & (frame["word"] != Word.REMOVE) & ~of_benchmark & named
