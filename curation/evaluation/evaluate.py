"""One evaluation from end to end: score, calibrate, write predictions, measure, draw.

This is what the stage `evaluate` calls; the parts stand in the modules it imports.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from curation.evaluation import against, measure
from curation.evaluation.calibration import Calibration
from curation.evaluation.facts import Facts, read_facts
from curation.evaluation.plots import write_plots
from curation.evaluation.predictions import codes, write_predictions
from curation.evaluation.scores import PixelStore, Scored, score
from curation.params import Params

MOST_CALIBRATED = 100_000


@dataclass(frozen=True)
class Paths:
    """Where an evaluation reads and writes."""

    candidate: Path
    base: Path
    predictions: Path
    calibration: Path
    metrics: Path
    plots: Path
    scratch: Path


def evaluate(paths: Paths, splits: pd.DataFrame, pixels: PixelStore, params: Params) -> dict[str, Any]:
    """Evaluate the candidate on all of SPLITS; write every output; return what reports/metrics.json holds."""
    from curation.model.header import read_header

    splits = splits.sort_values("image_id", kind="stable", ignore_index=True)
    ids = splits["image_id"].tolist()
    headers = [read_header(path) for path in (paths.candidate, paths.base)]
    seen = measure.seen_by(splits["image_id"], *(header.lineage for header in headers))
    paths.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.scratch) as folder:
        size = params.evaluate.batch_size
        scored = score(paths.candidate, pixels, ids, size, Path(folder) / "candidate")
        # A backbone has no head: it answers nothing, and there is nothing to compare with in the first round.
        base = score(paths.base, pixels, ids, size, Path(folder) / "base") if headers[1].has_head else None
        calibration = calibrate(splits, scored, params.seed)
        calibration.write(paths.calibration)
        write_predictions(paths.predictions, splits, scored, base, calibration.probabilities)
    facts = read_facts(paths.predictions, scored.classes)
    sets = measure.measured_sets(facts, seen)
    numbers = {
        name: measure.measure(facts.where(mask), params.evaluate.bootstrap, params.seed) for name, mask in sets.items()
    }
    numbers |= {"against_base": compared(facts, sets)}
    numbers |= {
        "left_out": {"seen_by_an_ancestor": int((seen & (facts.in_split("test") | facts.in_split("benchmark"))).sum())}
    }
    write_plots(facts, sets, paths.plots)
    result = measure.tidy(measure.nest(numbers))
    write_json(paths.metrics, result)
    return result


def calibrate(splits: pd.DataFrame, scored: Scored, seed: int) -> Calibration:
    """Fit the calibration on val, at most 100,000 of its images, drawn from `seed`."""
    rows = np.flatnonzero((splits["split"] == "val").to_numpy())
    if len(rows) > MOST_CALIBRATED:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_CALIBRATED, replace=False))
    labels = codes(splits["label"].to_numpy()[rows], scored.classes)
    return Calibration.fit(np.asarray(scored.logits[rows]), labels, classes=scored.classes)


def compared(facts: Facts, sets: dict[str, Any]) -> dict[str, Any]:
    """Candidate against base on test and every benchmark set, where the base has an answer."""
    out = {}
    for name, mask in sets.items():
        if name == "test" or name.startswith("benchmark/"):
            both = facts.where(mask & facts.base_answered & (facts.label >= 0))
            if len(both):
                out[name] = against.against(both.right, both.base_right).as_dict()
    return measure.nest(out)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.partial")
    draft.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)
