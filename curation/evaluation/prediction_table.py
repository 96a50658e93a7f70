"""The table PREDICTIONS, made and written block by block so that the memory is bounded.

What the candidate says comes from `predict/answer_columns`; what it says of the label is added here.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from curation import tables
from curation.predict.answer_columns import calibrated
from curation.predict.calibration import Calibration
from curation.predict.score_store import Scored
from curation.tables import PREDICTIONS

LEAST = float(np.finfo(np.float32).eps)  # probabilities are clipped here for the loss, as scikit-learn does
Keep = Callable[[slice, NDArray[np.float32]], None]


def write_predictions(
    path: Path,
    splits: pd.DataFrame,
    scores: tuple[Scored, Scored | None],
    calibration: Calibration,
    keep: Keep | None = None,
) -> None:
    """Write PREDICTIONS for `splits`, which is sorted by image_id and in the order of the scores.

    scores: those of the candidate and of its base model, whose answers stand beside.
    keep: called with the rows and the pred_probs [b, c] of each block, in order.
    """
    tables.write_batches(predictions(splits, scores, calibration, keep), path, PREDICTIONS)


def predictions(
    splits: pd.DataFrame, scores: tuple[Scored, Scored | None], calibration: Calibration, keep: Keep | None
) -> Iterator[pd.DataFrame]:
    """Yield blocks of PREDICTIONS rows in the order of `splits`."""
    scored, base = scores
    for block in scored.blocks():
        rows = splits.iloc[block]
        logits = np.asarray(scored.logits[block])
        frame = rows[["image_id", "split", "benchmark_set", "label", "subclass"]].reset_index(drop=True)
        columns, pred_probs = calibrated(logits, calibration)
        if keep:
            keep(block, pred_probs)
        columns = {"predicted": columns.pop("label"), **columns}
        columns |= of_labels(pred_probs, rows["label"].to_numpy(), scored.classes)
        columns["embedding"] = [row.tobytes() for row in scored.embeddings[block].astype("<f2")]
        columns |= _base_answers(base, block, len(rows))
        yield frame.assign(**columns)[PREDICTIONS.columns]


def of_labels(pred_probs: NDArray[np.float32], labels: NDArray[Any], classes: list[str]) -> dict[str, Any]:
    """What the candidate's pred_probs [n, c] say of the labels [n]; NaN where it has no such class."""
    wide, code = pred_probs.astype(np.float64), codes(labels, classes)
    known = np.where(code >= 0, code, 0)
    given = np.where(code >= 0, wide[np.arange(len(wide)), known], np.nan)
    return {
        "loss": -np.log(np.clip(given, LEAST, 1)).astype(np.float32),
        "label_confidence": given.astype(np.float32),
    }


def codes(labels: NDArray[Any], classes: list[str]) -> NDArray[np.int64]:
    """Index int [n] of every label in `classes`; -1 where the model has no such class."""
    return np.asarray(pd.Index(classes, dtype=object).get_indexer(pd.Index(labels, dtype=object)), np.int64)


def _base_answers(base: Scored | None, block: slice, count: int) -> dict[str, Any]:
    if base is None or not base.classes:
        return {"base_predicted": [""] * count, "base_confidence": np.full(count, np.nan, np.float32)}
    sure = softmax(base.logits[block].astype(np.float64), axis=1)
    best = sure.argmax(axis=1)
    names = np.asarray(base.classes, dtype=object)
    return {"base_predicted": names[best], "base_confidence": sure.max(axis=1).astype(np.float32)}
