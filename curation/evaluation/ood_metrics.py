"""How well the model refuses images that are none of its classes.

An image is refused when its confidence is below the threshold of the wanted precision, and gated when its OOD score is
that of the gate or higher. Three areas under the ROC curve say how well confidence, energy (Liu et al. 2020) and the
OOD score separate such images from those of the model's classes, at any threshold.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.prediction_facts import Facts
from curation.evaluation.uncertainty import intervals
from curation.evaluation.uncertainty.auc_interval import influence, interval
from curation.predict.calibration import Calibration
from curation.predict.ood import foreign
from curation.tables.codes import Split

Scores = NDArray[np.float32]


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
        | _gated((ood_scores[mask], ood_scores[inside]), (facts.group[mask], facts.group[inside]))
        for name, mask in masks.items()
        if mask.any()
    }


def _gated(scores: tuple[Scores, Scores], groups: tuple[intervals.Groups, intervals.Groups]) -> dict[str, Any]:
    """How the OOD score (outside, inside) parts both; `groups` are the leak groups of the same images."""
    outside, inside = scores
    if np.isnan(outside).any() or np.isnan(inside).any() or not len(inside):
        return {}
    truth = np.concatenate([np.ones(len(outside), bool), np.zeros(len(inside), bool)])
    out: dict[str, Any] = {}
    for name, values, own in (("gated", outside, groups[0]), ("gated_in_scope", inside, groups[1])):
        low, high = intervals.share(np.asarray(foreign(values), bool), own)
        out |= {name: float(foreign(values).mean()), f"{name}_low": low, f"{name}_high": high}
    area, shares = influence(np.concatenate([outside, inside]), truth)
    low, high = interval(area, shares, np.concatenate(groups))
    return out | {"auc_ood_score": area, "auc_ood_score_low": low, "auc_ood_score_high": high}


def _separation(outside: Facts, inside: Facts, threshold: float) -> dict[str, Any]:
    both = np.concatenate([np.zeros(len(outside), bool), np.ones(len(inside), bool)])
    groups = np.concatenate([outside.group, inside.group])
    scores = {"confidence": [outside.confidence, inside.confidence], "energy": [-outside.energy, -inside.energy]}
    out: dict[str, Any] = {"images": len(outside), "refused": float("nan")}
    if np.isfinite(threshold):
        below = np.asarray(outside.confidence < threshold)
        low, high = intervals.share(below, outside.group)
        out |= {"refused": float(below.mean()), "refused_low": low, "refused_high": high}
    for name, parts in scores.items():
        area, shares = influence(np.concatenate(parts), both)
        low, high = interval(area, shares, groups)
        out |= {f"auc_{name}": area, f"auc_{name}_low": low, f"auc_{name}_high": high}
    return out


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
        point["coverage_low"], point["coverage_high"] = intervals.share(above, known.group)
        point["precision"] = float(known.right[above].mean()) if above.any() else float("nan")
        point["precision_low"], point["precision_high"] = intervals.share(known.right[above], known.group[above])
        out[f"precision_{100 * wanted:g}".replace(".", "_")] = point
    return out
