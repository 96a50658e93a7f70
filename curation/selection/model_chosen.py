"""Which images a model chose to be labelled. They are only trained on.

A model proposes what it is sure of, or what it is unsure of. Such images are no sample of anything: a test set that
holds them measures the choice and not the model (Farquhar, Gal and Rainforth 2021). So only images that were collected
with their label, or drawn uniformly from the pool, may be in val, test and benchmark.
"""

import numpy as np
import pandas as pd

from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Reason, Sampled, Split


def sampled(frame: pd.DataFrame) -> "pd.Series[str]":
    """How each image came to be labelled, a code of Sampled [n].

    frame: image_id, label, original_label, label_from, sampled (what the log says), with the row numbers as index.
    Where the log says nothing, an image that was collected without a class and has one by a decision was found by a
    model: in the pool by a proposal, in the class `unknown` by the model's answer. An image that has its label from the
    decision on a copy came to it as the copy did.
    """
    named = ~frame["label"].isin(["", UNKNOWN])
    bare = frame["original_label"].isin(["", UNKNOWN])
    told = frame["sampled"].where((frame["sampled"] != "") | ~(named & bare), Sampled.MODEL.value)
    by_copy = frame["label_from"] != ""
    of_copy = pd.Series(told.to_numpy(), index=frame["image_id"])
    found = np.where(by_copy, frame["label_from"].map(of_copy).fillna(""), told)
    return pd.Series(found, index=frame.index, dtype="str")


def nothing_to_measure(splits: pd.DataFrame) -> str:
    """Say which of val and test is empty while images that a model chose are in train; "" where none is."""
    chosen = int((splits["reason_code"] == Reason.MODEL_CHOSEN).sum())
    empty = [name.value for name in (Split.VAL, Split.TEST) if not (splits["split"] == name).any()]
    if not chosen or not empty:
        return ""
    return (
        f"{' and '.join(empty)} have no image: {chosen:,} images were proposed from the pool, and such images are only "
        "trained on. Draw some with `curate sample-pool -n 100`, and label them"
    )
