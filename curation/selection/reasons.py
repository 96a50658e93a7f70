"""The reasons of SPLITS as sentences: why an image is in its split, or why it is out."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.params import blocks
from curation.tables.codes import Basis, Reason, Split, State

UNREADABLE = "unreadable"
REMOVED = "removed by review"
CONFLICT = "label conflict: "
TWIN = "twin of "


def can_be_scored(selection: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether an image may appear in a split at all: it can be read, and nobody removed it."""
    return ~selection["reason_code"].isin([Reason.UNREADABLE, Reason.REMOVED]).to_numpy().astype(bool)


def codes_of_splits(table: pd.DataFrame, rows: pd.DataFrame) -> "pd.Series":
    """The reason code of every row of SPLITS, from its split and basis. rows: the same rows of SELECTION."""
    split, basis, kept = table["split"], table["basis"], rows["state"] == State.KEPT
    code = rows["reason_code"].copy()
    by_basis = {
        Basis.DRAW: Reason.DRAWN,
        Basis.ORIGIN: Reason.ONLY_TRAINED_ON,
        Basis.MINIMUM: Reason.MINIMUM,
        Basis.TWIN: Reason.LINEAGE_OF_COPY,
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
    reason[kept & (basis == Basis.DRAW)] = "drawn by lot"
    reason[kept & (basis == Basis.ORIGIN)] = table["origin"] + " images are only trained on"
    for split_name, least in (("val", config.min_val), ("test", config.min_test)):
        taken = kept & (basis == Basis.MINIMUM) & (split == split_name)
        reason[taken] = f"taken from train: {split_name} promises {least} images of " + table["label"]
    lineage = (basis == Basis.LINEAGE) & (split != Split.OUT)
    reason[lineage] = "in " + split + " since an earlier model; stays for good"
    reason[kept & (basis == Basis.TWIN) & (split != Split.OUT)] = (
        "follows its twins, which an earlier model had in " + split
    )
    reason[lineage & ~kept & (rows["reason"] != "")] += " (though " + rows["reason"] + ")"
    hand = rows["state"] == State.BENCHMARK
    reason[hand & (split == Split.OUT)] = "an earlier model was trained on it or on a twin, so it can't be a benchmark"
    return _of_out(reason, table, kept & (split == Split.OUT))


def _of_out(reason: pd.Series, table: pd.DataFrame, out: pd.Series) -> pd.Series:
    """Name the split of the group that keeps an image out."""
    scored = table[table["split"].isin(["train", "val", "test", "benchmark"])]
    there = scored.drop_duplicates("leak_group").set_index("leak_group")["split"]
    where = table.loc[out, "leak_group"].map(there).fillna("another split")
    why = {
        "draw": "its lot fell elsewhere",
        "minimum": "its lot fell elsewhere",
        "origin": "only real images may be there",
    }
    because = table.loc[out, "basis"].map(why).fillna("it can't be in both")
    reason[out] = "stays out: its twins are in " + where + ", and " + because
    return reason
