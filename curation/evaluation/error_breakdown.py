"""Where the errors come from: too weak a model, too little data, luck with val, or images of another kind.

The parts are differences between the error rates of splits that differ in one thing each (after Ng's "Machine Learning
Yearning"): train to val is variance, val to test is what choosing by val cost, test to a benchmark set is shift.
"""

from collections.abc import Mapping
from typing import Any


def breakdown(measured: Mapping[str, Mapping[str, Any]], label_noise: float) -> dict[str, Any]:
    """Take error rates apart, from the measured sets (`train`, `val`, `test`, `benchmark/<set>`) that there are.

    `bias`: error on train beyond the label noise that calibration found: what a larger model can gain.
    """
    error = {name: 1 - numbers["accuracy"] for name, numbers in measured.items() if "accuracy" in numbers}
    out: dict[str, Any] = {"label_noise": label_noise}
    if "train" in error:
        out["bias"] = max(error["train"] - label_noise, 0.0)
    if "train" in error and "val" in error:
        out["variance"] = error["val"] - error["train"]
    if "val" in error and "test" in error:
        out["selection"] = error["test"] - error["val"]
    shifts = {name.split("/", 1)[1]: error[name] - error["test"] for name in error if "/" in name and "test" in error}
    if shifts:
        out["shift"] = shifts
    losses = {name: numbers["log_loss"] for name, numbers in measured.items() if "log_loss" in numbers}
    if "train" in losses and "test" in losses:
        out["overfitting_log_loss"] = losses["test"] - losses["train"]
    return out
