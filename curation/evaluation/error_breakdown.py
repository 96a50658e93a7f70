"""Where the errors come from: bias, variance, selection on val, or a shift to other images.

Each part is the difference between the error rates of two splits that differ in one thing (after Ng, "Machine Learning
Yearning"):

- train above the label noise: bias, what a larger model can gain;
- val above train: variance, what more data can gain;
- test above val: what choosing the epoch by val cost;
- a benchmark set above test: shift.
"""

from collections.abc import Mapping
from typing import Any


def breakdown(measured: Mapping[str, Mapping[str, Any]], label_noise: float) -> dict[str, Any]:
    """The parts of the error, for the measured sets (`train`, `val`, `test`, `benchmark/<set>`) that exist.

    measured: `accuracy` and `log_loss` of each set. label_noise: the rate that calibration found, 0 to 1.
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
