"""Blind review of held-out labels: which images of val, test and benchmark are shown without the model's answer.

Held-out labels measure the model. A reviewer who sees its answer is swayed by it, and only looks where model and label
disagree: both make the model look better than it is (partial verification, Begg and Greenes 1983). So held-out images
of the queue are shown without the prediction and without the reason, in a random order, mixed with random images on
which model and label agree (`review.blind` is their share). A decision on one of them is an audited label.
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.selection.hash_buckets import buckets
from curation.tables.codes import MEASURED_SPLITS, Kind

BLIND = "blind"  # the kind of such a row
BY_MODEL = (Kind.ERROR, Kind.DOUBT, Kind.LABEL_ERROR)  # in the queue because of what a model answers
KEPT = [  # what a reviewer may see: facts of the picture, its label, and what was decided
    *("image_id", "path", "label", "subclass", "origin", "blur", "brightness", "contrast", "width", "height"),
    *("split", "role", "kind", "rank", "decision", "partner", "marked", "pair_rank", "pair_decision", "embedding"),
]


def with_blind(errors: pd.DataFrame, predictions: pd.DataFrame, share: float, limit: int, model: str) -> pd.DataFrame:
    """ERRORS with the kind BLIND where an image is reviewed blind, and with the agreements that are mixed in.

    - predictions: image_id, split, label, predicted
    - share: of the blind rows that are agreements, 0 to below 1; 0 changes nothing
    - limit: only so many errors count, by rank
    - model: the name of the candidate. Another model brings other agreements

    Blind rows come first, in a random order that is the same on every machine: their ranks are negative.
    """
    held = errors["split"].isin(MEASURED_SPLITS) & errors["kind"].isin(BY_MODEL) & (errors["rank"] < limit)
    if not share or not held.any():
        return errors
    agreed = predictions[(predictions["label"] == predictions["predicted"]) & (predictions["label"] != "")]
    agreed = agreed[~agreed["image_id"].isin(errors["image_id"])].reset_index(drop=True)
    order = buckets(agreed["image_id"], f"agreements/{model}")
    chosen = [
        _lowest(agreed, order, str(split), math.ceil(count * share / (1 - share)))
        for split, count in errors.loc[held, "split"].value_counts(sort=False).sort_index().items()
    ]
    more = agreed.iloc[np.concatenate(chosen)][["image_id", "split", "label", "predicted"]]
    none = pd.Series([()] * len(more), more.index, object)
    more = more.assign(nearest_correct=none, cluster=-1, explanation="", suggested="", path="")
    blind = pd.concat([errors[held], more], ignore_index=True).assign(kind=BLIND)
    mixed = blind.iloc[np.argsort(buckets(blind["image_id"], f"blind/{model}"), kind="stable")]
    mixed = mixed.assign(rank=np.arange(-len(mixed), 0))
    return pd.concat([mixed, errors[~held]], ignore_index=True)


def _lowest(agreed: pd.DataFrame, order: NDArray[np.float64], split: str, count: int) -> NDArray[np.int64]:
    """Rows of a split with the lowest hash buckets: a random sample."""
    rows = np.flatnonzero(agreed["split"] == split)
    return rows[np.argsort(order[rows], kind="stable")[:count]]


def hidden(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows to push, with nothing of the model's answer in the blind ones; these get the last ranks."""
    blind = frame["kind"] == BLIND
    if not blind.any():
        return frame
    shown_twice = (frame["role"] == "neighbour") & frame["image_id"].isin(frame.loc[blind, "image_id"])
    out = frame[~shown_twice].reset_index(drop=True)
    mask = (out["kind"] == BLIND).to_numpy()
    for name in [column for column in out.columns if column not in KEPT]:
        out[name] = _without(out[name], mask)
    last = int(out["rank"].max()) + 1 + int(mask.sum())
    return out.assign(rank=out["rank"].to_numpy() + np.where(mask, last, 0))


def _without(values: pd.Series, mask: NDArray[np.bool_]) -> pd.Series:
    """A column with no value where the mask is set: NaN, -1, false, "" or None, by its type."""
    if pd.api.types.is_bool_dtype(values):
        return values & ~mask
    if pd.api.types.is_integer_dtype(values):
        return values.mask(mask, -1).astype(values.dtype)
    if pd.api.types.is_float_dtype(values):
        return values.mask(mask)
    if isinstance(values.dtype, pd.StringDtype):
        return values.mask(mask, "")
    return pd.Series([None if out else value for value, out in zip(values, mask, strict=True)], values.index, object)
