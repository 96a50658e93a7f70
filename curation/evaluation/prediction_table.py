"""The table PREDICTIONS, made and written block by block so that the memory is bounded.

Confidence, margin and entropy are of the calibrated probabilities. Energy is of the raw logits (Liu et al. 2020,
"Energy-based Out-of-distribution Detection").
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from curation import tables
from curation.predict.score_store import Scored
from curation.tables import PREDICTIONS

TOP = 5
LEAST = float(np.finfo(np.float32).eps)  # probabilities are clipped here for the loss, as scikit-learn does
Probabilities = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def write_predictions(
    path: Path, splits: pd.DataFrame, scored: Scored, base: Scored | None, probabilities: Probabilities
) -> None:
    """Write PREDICTIONS for `splits`, which is sorted by image_id and in the order of `scored`.

    probabilities: turns logits [b, c] of a block into calibrated probabilities; it is called once a block, in order.
    """
    tables.write_batches(predictions(splits, scored, base, probabilities), path, PREDICTIONS)


def predictions(
    splits: pd.DataFrame, scored: Scored, base: Scored | None, probabilities: Probabilities
) -> Iterator[pd.DataFrame]:
    """Yield blocks of PREDICTIONS rows in the order of `splits`."""
    for block in scored.blocks():
        rows = splits.iloc[block]
        logits = np.asarray(scored.logits[block])
        frame = rows[["image_id", "split", "benchmark_set", "label", "subclass"]].reset_index(drop=True)
        columns = answers(logits, probabilities(logits), rows["label"].to_numpy(), scored.classes)
        columns["embedding"] = [row.tobytes() for row in scored.embeddings[block].astype("<f2")]
        columns |= _base_answers(base, block, len(rows))
        yield frame.assign(**columns)[PREDICTIONS.columns]


def answers(
    logits: NDArray[np.float32], probabilities: NDArray[np.float32], labels: NDArray[Any], classes: list[str]
) -> dict[str, Any]:
    """The columns of the candidate's prediction, from logits and calibrated probabilities [n, c]."""
    names = np.asarray(classes, dtype=object)
    wide = probabilities.astype(np.float64)
    # A stable sort of the negated values: among equals the first class wins, whatever the block size.
    order = np.argsort(-wide, axis=1, kind="stable")[:, : min(TOP, len(classes))]
    top = np.take_along_axis(wide, order, axis=1)
    code = codes(labels, classes)
    known = np.where(code >= 0, code, 0)
    given = np.where(code >= 0, wide[np.arange(len(wide)), known], np.nan)
    second = top[:, 1] if top.shape[1] > 1 else np.zeros(len(top))
    return {
        "predicted": names[order[:, 0]],
        "confidence": top[:, 0].astype(np.float32),
        "margin": (top[:, 0] - second).astype(np.float32),
        "entropy": -np.sum(wide * np.log(np.clip(wide, 1e-30, 1)), axis=1).astype(np.float32),
        "loss": -np.log(np.clip(given, LEAST, 1)).astype(np.float32),
        "top_labels": list(names[order]),
        "top_confidences": list(top.astype(np.float32)),
        "label_confidence": given.astype(np.float32),
        "energy": -log_sum_exp(logits).astype(np.float32),
    }


def codes(labels: NDArray[Any], classes: list[str]) -> NDArray[np.int64]:
    """Index int [n] of every label in `classes`; -1 where the model has no such class."""
    return np.asarray(pd.Index(classes, dtype=object).get_indexer(pd.Index(labels, dtype=object)), np.int64)


def log_sum_exp(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """log(sum(exp(logits))) of every row, without overflow."""
    wide = logits.astype(np.float64)
    high = wide.max(axis=1, keepdims=True)
    return np.asarray(high[:, 0] + np.log(np.exp(wide - high).sum(axis=1)))


def _base_answers(base: Scored | None, block: slice, count: int) -> dict[str, Any]:
    if base is None or not base.classes:
        return {"base_predicted": [""] * count, "base_confidence": np.full(count, np.nan, np.float32)}
    sure = softmax(base.logits[block].astype(np.float64), axis=1)
    best = sure.argmax(axis=1)
    names = np.asarray(base.classes, dtype=object)
    return {"base_predicted": names[best], "base_confidence": sure.max(axis=1).astype(np.float32)}
