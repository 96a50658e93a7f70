"""How well the model refuses images that are none of its classes.

An image is refused when its confidence is below the threshold of the wanted precision, and gated when its OOD score is
that of the gate or higher. Three areas under the ROC curve say how well confidence, energy (Liu et al. 2020) and the
OOD score separate such images from those of the model's classes, at any threshold.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.metrics import roc_auc
from curation.evaluation.prediction_facts import Facts
from curation.predict.calibration import Calibration
from curation.predict.ood import foreign
from curation.tables.codes import Split


def ood_metrics(
    facts: Facts, seen: NDArray[np.bool_], threshold: float, ood_scores: NDArray[np.float32]
) -> dict[str, Any]:
    """Share refused and separation, for the foreign images of every benchmark set and for the classes not in the model.

    seen: images that a model was trained on; they do not count as in scope. threshold: confidence, 0 to 1. ood_scores
    [n]: of the images of test, benchmark and out.
    """
    inside = (facts.in_split(Split.TEST) | facts.in_split(Split.BENCHMARK)) & (facts.label >= 0) & ~seen
    strange = facts.label < 0
    masks = {
        name: facts.in_split(Split.BENCHMARK) & facts.in_set(name) & strange
        for name in sorted(set(facts.names["benchmark_set"]) - {""})
    }
    masks["classes not in the model"] = facts.in_split(Split.OUT) & strange
    return {
        name: _separation(facts.where(mask), facts.where(inside), threshold)
        | _gated(ood_scores[mask], ood_scores[inside])
        for name, mask in masks.items()
        if mask.any()
    }


def _gated(outside: NDArray[np.float32], inside: NDArray[np.float32]) -> dict[str, Any]:
    if np.isnan(outside).any() or np.isnan(inside).any() or not len(inside):
        return {}
    truth = np.concatenate([np.ones(len(outside), bool), np.zeros(len(inside), bool)])
    return {
        "gated": float(foreign(outside).mean()),
        "gated_in_scope": float(foreign(inside).mean()),
        "auc_ood_score": roc_auc(np.concatenate([outside, inside]), truth),
    }


def _separation(outside: Facts, inside: Facts, threshold: float) -> dict[str, Any]:
    both = np.concatenate([np.zeros(len(outside), bool), np.ones(len(inside), bool)])
    sure = np.concatenate([outside.confidence, inside.confidence])
    energy = np.concatenate([outside.energy, inside.energy])
    return {
        "images": len(outside),
        "refused": float((outside.confidence < threshold).mean()) if np.isfinite(threshold) else float("nan"),
        "auc_confidence": roc_auc(sure, both),
        "auc_energy": roc_auc(-energy, both),
    }


def operating_points(facts: Facts, calibration: Calibration, precisions: list[float]) -> dict[str, Any]:
    """For each wanted precision: its threshold of confidence, and the precision and coverage on these images."""
    known = facts.where(facts.label >= 0)
    out = {}
    for wanted in precisions:
        threshold = calibration.threshold_for(wanted)
        if not np.isfinite(threshold) or not len(known):
            continue
        above = known.confidence >= np.float32(threshold)
        point = {"confidence": threshold, "coverage": float(above.mean())}
        point["precision"] = float(known.right[above].mean()) if above.any() else float("nan")
        out[f"precision_{100 * wanted:g}".replace(".", "_")] = point
    return out
