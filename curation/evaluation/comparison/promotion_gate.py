"""The gate: what must hold before a candidate becomes production.

Candidate and base model are compared image by image on the benchmark, and not by two averages. The predictions are
those of this round. Without a benchmark, test is used. Images of a class that the candidate no longer has count as
wrong.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from curation.evaluation.comparison.paired import Against, against, by_class
from curation.tables.codes import Split

NEEDED = ["image_id", "split", "benchmark_set", "label", "predicted", "base_predicted"]


@dataclass(frozen=True)
class Gate:
    """The comparison, and the objections against promotion as sentences; without objections the gate is passed."""

    sets: dict[str, Against]
    classes: pd.DataFrame
    objections: list[str]


def judge(predictions: pd.DataFrame, seen: "pd.Series[bool]", max_class_drop: float) -> Gate:
    """Compare candidate and base model on benchmark images, or on test where there are none.

    predictions: columns NEEDED and `loss`.
    seen: images that candidate or base was trained on; they do not count.
    max_class_drop: recall that a class may lose.
    """
    answered = (predictions["base_predicted"] != "") & ~seen
    rows = predictions[answered & (predictions["split"] == Split.BENCHMARK)]
    if rows.empty:
        rows = predictions[answered & (predictions["split"] == Split.TEST)]
    rows = rows[_of_known_classes(rows, predictions)]
    new, old = _right(rows, "predicted"), _right(rows, "base_predicted")
    names = rows["benchmark_set"].where(rows["benchmark_set"] != "", rows["split"])
    sets = {
        str(name): against(new[mask], old[mask]) for name in sorted(set(names)) for mask in [(names == name).to_numpy()]
    }
    classes = by_class(rows["label"], new, old)
    return Gate(sets, classes, [*_worse_sets(sets), *_worse_classes(classes, max_class_drop)])


def _of_known_classes(rows: pd.DataFrame, predictions: pd.DataFrame) -> "pd.Series[bool]":
    """Images whose label is a class of the candidate or of the base model, as far as their predictions show."""
    known = set(predictions["label"][predictions["loss"].notna()]) | set(predictions["base_predicted"])
    return rows["label"].isin(known)


def _right(rows: pd.DataFrame, column: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(rows[column].to_numpy() == rows["label"].to_numpy(), bool)


def _worse_sets(sets: dict[str, Against]) -> list[str]:
    return [
        f"benchmark `{name}`: {result.worse} of {result.images} images got worse and {result.better} better "
        f"({result.difference:+.2%}, McNemar p {result.p_value:.2g})"
        for name, result in sets.items()
        if result.worse > result.better
    ]


def _worse_classes(classes: pd.DataFrame, most: float) -> list[str]:
    lost = classes[classes["difference"] < -most - 1e-9]
    return [
        f"class `{row['class']}`: recall {row['old']:.2f} -> {row['new']:.2f} on {row['images']} images "
        f"(promote.max_class_drop is {most})"
        for _, row in lost.iterrows()
    ]
