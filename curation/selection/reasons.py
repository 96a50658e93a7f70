"""The reasons of SELECTION and SPLITS as sentences: why an image is left out, and why it is in its split."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.params import blocks
from curation.tables.codes import MODEL_SPLITS, Basis, Reason, Split, State

UNREADABLE = "unreadable"
REMOVED = "removed by review"
CONFLICT = "label conflict: "
COPY = "copy of "
GROUP = "in one group of the metadata with "
SCENE = "in one leak group with "
MODEL_CHOSEN = "a model chose it from the pool, and such images are only trained on"
LABEL_FROM = "its label is from the decision on its copy "


def can_be_scored(selection: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether an image may appear in a split at all: it can be read, and nobody removed it."""
    return ~selection["reason_code"].isin([Reason.UNREADABLE, Reason.REMOVED]).to_numpy().astype(bool)


def codes_of_splits(table: pd.DataFrame, rows: pd.DataFrame) -> "pd.Series":
    """The reason code of every row of SPLITS, from its split and basis. rows: the same rows of SELECTION."""
    split, basis, kept = table["split"], table["basis"], rows["state"] == State.KEPT
    code = rows["reason_code"].copy()
    by_basis = {
        Basis.HASH_BUCKET: Reason.HASH_BUCKET,
        Basis.ORIGIN: Reason.ONLY_TRAINED_ON,
        Basis.MODEL_CHOSEN: Reason.MODEL_CHOSEN,
        Basis.MINIMUM: Reason.MINIMUM,
        Basis.ONLY_IN_TRAIN: Reason.ONLY_IN_TRAIN,
        Basis.NEWEST: Reason.NEWEST,
        Basis.OLDER: Reason.OLDER,
        Basis.LINEAGE_OF_COPY: Reason.LINEAGE_OF_COPY,
    }
    for one, reason in by_basis.items():
        code[kept & (basis == one)] = reason.value
    code[(basis == Basis.LINEAGE) & (split != Split.OUT)] = Reason.LINEAGE.value
    code[(rows["state"] == State.BENCHMARK) & (split == Split.OUT)] = Reason.TRAINED_ON_BEFORE.value
    code[kept & (split == Split.OUT)] = Reason.GROUP_ELSEWHERE.value
    return code


def of_splits(table: pd.DataFrame, rows: pd.DataFrame, config: blocks.Split) -> "pd.Series":
    """The reason of every row of SPLITS, from its split and basis. rows: the same rows of SELECTION."""
    split, basis = table["split"], table["basis"]
    reason = rows["reason"].copy()
    kept = rows["state"] == State.KEPT
    by_bucket, named = kept & (basis == Basis.HASH_BUCKET), rows["group"] != ""
    reason[by_bucket] = "its hash bucket gives this split"
    reason[by_bucket & named] = "the hash bucket of its group (" + rows["group"] + ") gives this split"
    reason[kept & (basis == Basis.NEWEST)] = "it, or its group, is among the newest captures of its class"
    reason[kept & (basis == Basis.OLDER)] = "the newest captures of its class are in test, and it is older"
    only = kept & (basis == Basis.ONLY_IN_TRAIN)
    reason[only] = "the class " + table["label"] + " would be in no training set without its group"
    reason[kept & (basis == Basis.ORIGIN)] = table["origin"] + " images are only trained on"
    reason[kept & (basis == Basis.MODEL_CHOSEN)] = MODEL_CHOSEN
    for name, least in ((Split.VAL, config.min_val), (Split.TEST, config.min_test)):
        taken = kept & (basis == Basis.MINIMUM) & (split == name)
        reason[taken] = f"taken from train, because {name} needs at least {least} images of " + table["label"]
    lineage = (basis == Basis.LINEAGE) & (split != Split.OUT)
    reason[lineage] = "an earlier model had it in " + split + ", so it stays there for good"
    copied = kept & (basis == Basis.LINEAGE_OF_COPY) & (split != Split.OUT)
    reason[copied] = "an earlier model had a copy of it, or its group, in " + split + ", so it is there, too"
    reason[lineage & ~kept & (rows["reason"] != "")] += " (without this rule: " + rows["reason"] + ")"
    by_hand = rows["state"] == State.BENCHMARK
    reason[by_hand & (split == Split.OUT)] = (
        "an earlier model was trained on it, on a copy of it or on its group, so no benchmark may hold it"
    )
    reason = _of_out(reason, table, kept & (split == Split.OUT))
    more = kept & (rows["reason"] != "")
    reason[more] += "; " + rows["reason"]
    return reason


def _of_out(reason: pd.Series, table: pd.DataFrame, out: pd.Series) -> pd.Series:
    """Name the split of the group that keeps an image out."""
    placed = table[table["split"].isin(MODEL_SPLITS)]
    there = placed.drop_duplicates("leak_group").set_index("leak_group")["split"]
    where = table.loc[out, "leak_group"].map(there).fillna("another split")
    why = {
        Basis.HASH_BUCKET: "its own hash bucket gives another split",
        Basis.MINIMUM: "its own hash bucket gives another split",
        Basis.ORIGIN: "staged and synthetic images are only trained on",
        Basis.MODEL_CHOSEN: "images that a model chose are only trained on",
        Basis.LINEAGE: "an earlier model had it in another split",
        Basis.LINEAGE_OF_COPY: "a frozen benchmark takes no new images",
    }
    because = table.loc[out, "basis"].map(why)
    reason[out] = "stays out: its leak group is in " + where + ", and " + because
    return reason
