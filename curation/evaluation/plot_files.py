"""The CSV files under reports/evaluate/, which `dvc plots` draws and the report reads.

Each file is small for any number of images: it has counts in bins, or one row for each class or sub-class. The
exception is the confusion plot, whose DVC template counts one row for each image. It is scaled down to 20,000 rows.
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.evaluation import metrics
from curation.evaluation.prediction_facts import Facts
from curation.evaluation.uncertainty import intervals
from curation.predict.thresholds import curve
from curation.tables.names_as_data import write_csv

MOST_ROWS = 20_000
BINS = 20


def write_plots(facts: Facts, sets: Mapping[str, NDArray[np.bool_]], folder: Path) -> None:
    """Write every plot's data of the measured `sets` (masks by name) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    test = facts.where(sets.get("test", np.zeros(len(facts), bool)))
    tables = {
        "confusion": confusion_rows(test),
        "per_class": class_table(facts, sets),
        "subclasses": subclass_table(facts, sets),
        "class_counts": class_counts(facts),
        "confidence": confidence_histogram(test),
        "reliability": reliability_table(test),
        "coverage": coverage_table(test),
    }
    tables["recall"] = tables["per_class"].query("set == 'test'")[["class", "recall", "support"]]
    for name, table in tables.items():
        write_csv(table, folder / f"{name}.csv", "%.6g")


def confusion_rows(facts: Facts) -> pd.DataFrame:
    """One row for each image: actual, predicted. Scaled down to 20,000 rows, rounded up so that no cell is lost."""
    matrix = _matrix(facts)
    total = int(matrix.sum())
    if total > MOST_ROWS:
        matrix = np.ceil(matrix * (MOST_ROWS / total)).astype(np.int64)
    truth, answer = np.nonzero(matrix)
    times = matrix[truth, answer]
    names = np.asarray(facts.classes, dtype=object)
    return pd.DataFrame({"actual": np.repeat(names[truth], times), "predicted": np.repeat(names[answer], times)})


def class_table(facts: Facts, sets: Mapping[str, NDArray[np.bool_]]) -> pd.DataFrame:
    """Precision and recall with their 95 % intervals, F1, and counts of every class in every set."""
    parts = []
    for name, mask in sets.items():
        inside = facts.where(mask & (facts.label >= 0))
        detail = metrics.per_class(_matrix(inside))
        part = {"set": name, "class": facts.classes, "precision": detail.precision, "recall": detail.recall}
        part |= {"f1": detail.f1, "support": detail.support, "predicted": detail.predicted}
        part |= _limits("precision", inside, inside.predicted) | _limits("recall", inside, inside.label)
        parts.append(pd.DataFrame(part)[detail.present])
    columns = ["set", "class", "precision", "recall", "f1", "support", "predicted"]
    columns += ["precision_low", "precision_high", "recall_low", "recall_high"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _limits(name: str, facts: Facts, classes: NDArray[np.int32]) -> dict[str, list[float]]:
    """The interval of the share of right answers among the images of each class in `classes` [n]."""
    order = np.argsort(classes, kind="stable")
    ends = np.searchsorted(classes[order], np.arange(len(facts.classes) + 1))
    parts = [order[first:last] for first, last in pairwise(ends)]
    found = [intervals.share(facts.right[rows], facts.group[rows]) for rows in parts]
    return {f"{name}_low": [one.low for one in found], f"{name}_high": [one.high for one in found]}


def subclass_table(facts: Facts, sets: Mapping[str, NDArray[np.bool_]]) -> pd.DataFrame:
    """Recall of every sub-class in every set with its interval, and the class that its wrong predictions name most."""
    rows = []
    subclasses = facts.names["subclass"]
    for name, mask in sets.items():
        known = facts.where(mask & (facts.label >= 0))
        keys, inverse = np.unique(np.stack([known.label, known.subclass]), axis=1, return_inverse=True)
        for number, (label, subclass) in enumerate(keys.T):
            if not subclasses[subclass]:
                continue
            inside = known.where(inverse == number)
            row = {"set": name, "class": facts.classes[label], "subclass": subclasses[subclass]}
            taken = inside.predicted[~inside.right]
            mostly = facts.classes[int(np.bincount(taken).argmax())] if len(taken) else ""
            row |= {"recall": inside.right.mean(), "support": len(inside), "mostly_taken_for": mostly}
            low, high = intervals.share(inside.right, inside.group)
            rows.append(row | {"recall_low": low, "recall_high": high})
    columns = ["set", "class", "subclass", "recall", "support", "mostly_taken_for", "recall_low", "recall_high"]
    return pd.DataFrame(rows, columns=columns)


def class_counts(facts: Facts) -> pd.DataFrame:
    """Number of scored images of every class, in all and by split."""
    known = facts.where(facts.label >= 0)
    counts = np.zeros((len(known.names["split"]), len(known.classes)), np.int64)
    np.add.at(counts, (known.split, known.label), 1)
    frame = pd.DataFrame(counts.T, index=known.classes, columns=known.names["split"])
    frame = frame[sorted(frame.columns)].rename_axis("class").reset_index()
    frame.insert(1, "images", counts.sum(axis=0))
    return frame


def confidence_histogram(facts: Facts) -> pd.DataFrame:
    """Counts of right and wrong answers by confidence, in bins of 0.05, named by their middle."""
    known = facts.where(facts.label >= 0)
    edges = np.linspace(0, 1, BINS + 1)
    middle = np.round((edges[:-1] + edges[1:]) / 2, 4)
    right, wrong = (np.histogram(known.confidence[mask], edges)[0] for mask in (known.right, ~known.right))
    return pd.DataFrame({"confidence": middle, "right": right, "wrong": wrong})


def reliability_table(facts: Facts) -> pd.DataFrame:
    """Accuracy against mean confidence, bin by bin; empty bins are left out."""
    known = facts.where(facts.label >= 0)
    table = metrics.reliability(known.confidence, known.right)
    frame = pd.DataFrame({"confidence": table.confidence, "accuracy": table.accuracy, "images": table.count})
    return frame[frame["images"] > 0]


def coverage_table(facts: Facts) -> pd.DataFrame:
    """Precision against coverage as the confidence threshold falls, at most 200 points."""
    known = facts.where(facts.label >= 0)
    line = curve(known.confidence, known.right)
    counts = np.asarray(line.counts, dtype=np.float64)
    frame = pd.DataFrame({"threshold": line.thresholds, "coverage": counts / max(line.total, 1)})
    frame["precision"] = np.asarray(line.agree) / counts
    return frame.iloc[np.unique(np.linspace(0, len(frame) - 1, 200).astype(int))] if len(frame) else frame


def _matrix(facts: Facts) -> metrics.Codes:
    return metrics.confusion(facts.label, facts.predicted, len(facts.classes))
