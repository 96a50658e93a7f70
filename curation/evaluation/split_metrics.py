"""Which images are measured as train, val, test and benchmark, and the metrics of each.

All sets are measured in the same way. The result is a nested dictionary of plain numbers, which `dvc metrics show`
flattens. What is not defined is left out.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.evaluation import metrics
from curation.evaluation.prediction_facts import Facts
from curation.evaluation.uncertainty import bootstrap, intervals
from curation.evaluation.uncertainty.calibration_interval import calibration_interval
from curation.evaluation.uncertainty.intervals import NOTHING
from curation.tables.codes import Split

TRAINED_ON = frozenset({Split.TRAIN, Split.VAL})
DIGITS = 6


def measured_sets(facts: Facts, seen: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    """Mask of every measured set, by a path such as `test` or `benchmark/street`; empty sets are left out.

    seen: images that the model or an earlier base model was trained on. They never count as test or benchmark.
    """
    masks = {split.value: facts.in_split(split) for split in (Split.TRAIN, Split.VAL, Split.TEST)}
    masks[Split.TEST] &= ~seen
    benchmark = facts.in_split(Split.BENCHMARK) & ~seen
    for name in sorted(set(facts.names["benchmark_set"]) - {""}):
        masks[f"benchmark/{name}"] = benchmark & facts.in_set(name)
    return {path: mask for path, mask in masks.items() if mask.any()}


def seen_by(image_ids: pd.Series, *lineages: Mapping[str, str]) -> NDArray[np.bool_]:
    """Mask of the images that a lineage (image_id -> split) has in train or val."""
    learnt = {image_id for lineage in lineages for image_id, split in lineage.items() if split in TRAINED_ON}
    return np.asarray(image_ids.isin(learnt), bool)


def measure(facts: Facts, resamples: int, seed: int) -> dict[str, Any]:
    """Metrics of the images whose label is a class of the model, with 95 % intervals over leak groups; or nothing.

    What has no valid interval on so few groups has none: see `intervals` and `bootstrap`.
    """
    known = facts.where(facts.label >= 0)
    if not len(known):
        return {}
    matrix = metrics.confusion(known.label, known.predicted, len(known.classes))
    detail = metrics.per_class(matrix)
    answers = known.label.astype(np.int64), known.predicted.astype(np.int64)
    found = {
        name: intervals.share(right, known.group) for name, right in (("accuracy", known.right), ("top5", known.top))
    }
    found |= bootstrap.matrix_intervals(answers, known.group, len(known.classes), bootstrap.MACRO, (resamples, seed))
    found["ece"] = calibration_interval(known.confidence, known.right, known.group, seed) if resamples else NOTHING
    found["log_loss"] = intervals.mean(known.loss, known.group, resamples, seed)
    out: dict[str, Any] = {
        "images": len(known),
        "groups": len(np.unique(known.group)),
        "accuracy": metrics.accuracy(matrix),
        "top5": float(known.top.mean()),
        "precision": detail.macro("precision"),
        "recall": detail.macro("recall"),
        "f1": detail.macro("f1"),
        "log_loss": float(known.loss.mean(dtype=np.float64)),
        "ece": metrics.calibration_error(known.confidence, known.right),
    }
    for name, interval in found.items():
        out |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    return tidy(out)


def tidy(values: dict[str, Any]) -> dict[str, Any]:
    """Round the floats, keep whole numbers whole, and leave out what is not a number."""
    out: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            inner = tidy(value)
            out |= {key: inner} if inner else {}
        elif isinstance(value, float):
            if math.isfinite(value):
                out[key] = int(value) if value.is_integer() and abs(value) >= 2 else round(value, DIGITS)
        else:
            out[key] = value
    return out


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """Turn `a/b` keys into nested dictionaries."""
    out: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, last = path.split("/", 1)
        here = out
        for parent in parents:
            here = here.setdefault(parent, {})
        here[last] = value
    return out
