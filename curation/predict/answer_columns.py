"""Make the columns of an answer from logits: calibrated probabilities and what follows from them.

The table of predictions, the table of identified images and `Predictor` all take their columns from here. Confidence,
margin and entropy are computed from the calibrated probabilities. Energy is computed from the raw logits (Liu et al.,
2020, "Energy-based Out-of-distribution Detection").
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.predict.calibration import Calibration

TOP = 5


def calibrated(logits: NDArray[np.floating], calibration: Calibration) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """Return the columns of the answers for logits [n, c], and their calibrated probabilities float32 [n, c]."""
    pred_probs = calibration.probabilities(logits)
    return answer_columns(logits, pred_probs, calibration.classes), pred_probs


def answer_columns(
    logits: NDArray[np.floating], pred_probs: NDArray[np.floating], classes: Sequence[str]
) -> dict[str, Any]:
    """Return label, confidence, margin, entropy, energy, top_labels and top_confidences, each of length n.

    `logits` and `pred_probs` are [n, c], in the order of `classes`. Of classes with equal probability the first one
    wins, for any number of rows.
    """
    names = np.asarray(classes, dtype=object)
    wide = pred_probs.astype(np.float64)
    order = np.argsort(-wide, axis=1, kind="stable")[:, :TOP]
    top = np.take_along_axis(wide, order, axis=1)
    second = top[:, 1] if top.shape[1] > 1 else np.zeros(len(top))
    return {
        "label": names[order[:, 0]],
        "confidence": top[:, 0].astype(np.float32),
        "margin": (top[:, 0] - second).astype(np.float32),
        "entropy": -np.sum(wide * np.log(np.clip(wide, 1e-30, 1)), axis=1).astype(np.float32),
        "energy": -log_sum_exp(logits).astype(np.float32),
        "top_labels": [list(row) for row in names[order]],
        "top_confidences": [list(row) for row in top.astype(np.float32)],
    }


def log_sum_exp(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return log(sum(exp(logits))) of every row, without overflow: logits [n, c] give float64 [n]."""
    wide = logits.astype(np.float64)
    high = wide.max(axis=1, keepdims=True)
    return np.asarray(high[:, 0] + np.log(np.exp(wide - high).sum(axis=1)))
