"""Where the errors come from: bias, variance, selection on val, or a shift to other images.

Each part is the difference between the error rates of two splits that differ in one thing (after Ng, "Machine Learning
Yearning"):

- train above the label noise: bias, what a larger model can gain;
- val above train: variance, what more data can gain;
- test above val: what choosing the epoch by val cost;
- a benchmark set above test: shift.

Each difference has an interval: those of its two rates after Clopper and Pearson (1934), over leak groups, joined as
Newcombe does (1998, method 10 for separate samples). All intervals of one breakdown hold together at 95 %
(Bonferroni), so of many benchmark sets none is named by chance. A part is there to be named only where its interval
excludes 0: see `named`.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.prediction_facts import Facts
from curation.evaluation.uncertainty.intervals import LEVEL, exact_share, of_difference
from curation.predict.proportions import effective_size

PARTS = ("bias", "variance", "selection")

Flags = NDArray[np.bool_]
Rate = tuple[float, float]  # an error rate, and the number of separate images that it is worth


def breakdown(
    facts: Facts, sets: Mapping[str, Flags], measured: Mapping[str, Mapping[str, Any]], label_noise: float
) -> dict[str, Any]:
    """The parts of the error, for the sets (`train`, `val`, `test`, `benchmark/<set>`) that exist.

    - sets: bool [n], the images of each set
    - measured: `log_loss` of each set, with `log_loss_low` and `log_loss_high` where it has an interval
    - label_noise: the rate that calibration found, 0 to 1
    """
    rates = {name: _rate(facts.where(mask & (facts.label >= 0))) for name, mask in sets.items()}
    pairs = {"bias": ("train", ""), "variance": ("val", "train"), "selection": ("test", "val")}
    pairs |= {f"shift/{name.split('/', 1)[1]}": (name, "test") for name in rates if "/" in name}
    known = rates | {"": (label_noise, math.inf)}
    told = {name: (known[one], known[other]) for name, (one, other) in pairs.items() if {one, other} <= set(known)}
    told = {name: both for name, both in told.items() if all(size for _, size in both)}
    out: dict[str, Any] = {"label_noise": label_noise}
    for name, (rate, other) in told.items():
        difference, low, high = _difference(rate, other, len(told))
        if name == "bias":
            difference, low, high = (max(value, 0.0) for value in (difference, low, high))
        part, _, inside = name.partition("/")
        for key, value in {part: difference, f"{part}_low": low, f"{part}_high": high}.items():
            if inside:
                out.setdefault(key, {})[inside] = value
            else:
                out[key] = value
    return out | _overfitting(measured)


def named(parts: Mapping[str, Any]) -> Iterator[tuple[str, float, float, float, bool]]:
    """Each difference of a breakdown: its name, its value, its interval, and whether the interval excludes 0.

    The name of a shift is `shift/<set>`. A breakdown of an older version has no intervals, and gives nothing.
    """
    rows = [(name, parts.get(name), parts.get(f"{name}_low"), parts.get(f"{name}_high")) for name in PARTS]
    for inside, value in parts.get("shift", {}).items():
        sides = (parts.get(f"shift_{side}", {}).get(inside) for side in ("low", "high"))
        rows.append((f"shift/{inside}", value, *sides))
    for name, value, low, high in rows:
        if value is not None and low is not None and high is not None:
            yield name, float(value), float(low), float(high), low > 0 or high < 0


def _rate(facts: Facts) -> Rate:
    if not len(facts):
        return math.nan, 0.0
    wrong = (~facts.right).astype(np.float64)
    return float(wrong.mean()), effective_size(wrong, facts.group)


def _difference(rate: Rate, other: Rate, tests: int) -> tuple[float, float, float]:
    """One rate minus the other, with the limits that hold together for as many `tests`."""
    level = 1 - (1 - LEVEL) / tests
    return rate[0] - other[0], *of_difference(rate[0], _limits(rate, level), other[0], _limits(other, level))


def _limits(rate: Rate, level: float) -> tuple[float, float]:
    value, size = rate
    return (value, value) if math.isinf(size) else exact_share(value, size, level)


def _overfitting(measured: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Log loss of test minus that of train, with its interval where both have one."""
    if not all("log_loss" in measured.get(name, {}) for name in ("train", "test")):
        return {}
    test, train = measured["test"], measured["train"]
    difference, name = test["log_loss"] - train["log_loss"], "overfitting_log_loss"
    if not all(f"log_loss_{side}" in one for one in (test, train) for side in ("low", "high")):
        return {name: difference}
    limits = ((one["log_loss_low"], one["log_loss_high"]) for one in (test, train))
    low, high = of_difference(test["log_loss"], next(limits), train["log_loss"], next(limits))
    return {name: difference, f"{name}_low": low, f"{name}_high": high}
