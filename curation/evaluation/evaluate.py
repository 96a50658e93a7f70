"""One evaluation from end to end, as the stage `evaluate` runs it.

The steps are: score every image, calibrate, write the predictions, measure, and write the files of the plots. Each
step stands in a module of its own, which this one imports.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation import tables
from curation.engine.progress import busy
from curation.evaluation import ood_metrics, split_metrics
from curation.evaluation.baselines import baselines
from curation.evaluation.comparison import paired
from curation.evaluation.error_breakdown import breakdown
from curation.evaluation.fit_calibration import calibrate, ood_scores
from curation.evaluation.headline import headline
from curation.evaluation.label_errors.cross_training import cross_train
from curation.evaluation.plot_files import write_plots
from curation.evaluation.prediction_facts import Facts, read_facts
from curation.evaluation.prediction_table import write_predictions
from curation.evaluation.probability_columns import Columns
from curation.files import write_text
from curation.images.store.pixels import Pixels
from curation.model.header import read_header
from curation.params import Params
from curation.predict.calibration import Calibration
from curation.predict.score_store import PixelStore, Scored, score
from curation.tables.codes import Split
from curation.tables.names_as_data import json_text


@dataclass(frozen=True)
class Paths:
    """Where an evaluation reads and writes."""

    candidate: Path
    base: Path
    predictions: Path
    calibration: Path
    metrics: Path
    headline: Path
    plots: Path
    scratch: Path
    cross: Path


def evaluate(paths: Paths, splits: pd.DataFrame, pixels: PixelStore, params: Params) -> dict[str, Any]:
    """Evaluate the candidate on all of SPLITS; write every output; return what reports/metrics.json holds."""
    from curation.model.checkpoint import md5

    splits = splits.sort_values("image_id", kind="stable", ignore_index=True)
    seen, base_answers = history(paths, splits["image_id"])
    paths.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.scratch) as folder:
        ids, size = splits["image_id"].tolist(), params.evaluate.batch_size
        scored = score(paths.candidate, pixels, ids, size, Path(folder) / "candidate", params.train.device)

        def score_base(chosen: Sequence[str]) -> Scored:
            return score(paths.base, pixels, chosen, size, Path(folder) / "base", params.train.device)

        base = score_base(ids) if base_answers else None
        calibration = replace(calibrate(splits, scored, seen, params.seed), model=md5(paths.candidate))
        here = replace(paths, scratch=Path(folder))
        result = report(here, splits, (scored, base), calibration, seen, params)
        counted = (splits["split"] == Split.TEST).to_numpy() & ~seen

        def embed(rows: NDArray[np.int64]) -> NDArray[np.float16]:
            """A backbone has no answers to store, so it scores these images only."""
            return base.embeddings[rows] if base else score_base([ids[row] for row in rows]).embeddings

        tables.write(cross_trained(splits, pixels, params, Path(folder)), paths.cross, tables.CROSS_TRAINED)
        result["baselines"] = split_metrics.tidy(baselines(splits, counted, embed, pixels, params.seed))
    write_json(paths.metrics, result)
    write_json(paths.headline, headline(result))
    return result


def history(paths: Paths, image_ids: pd.Series) -> tuple[NDArray[np.bool_], bool]:
    """Which images candidate or base learnt from, and whether the base has answers; lineages are large, and let go."""
    headers = [read_header(path) for path in (paths.candidate, paths.base)]
    return split_metrics.seen_by(image_ids, *(header.lineage for header in headers)), headers[1].has_head


def cross_trained(splits: pd.DataFrame, pixels: PixelStore, params: Params, scratch: Path) -> pd.DataFrame:
    """CROSS_TRAINED where params.yaml wants it, else without a row."""
    if params.evaluate.out_of_sample == "cross_trained":
        return cross_train(splits, cast("Pixels", pixels), params, scratch)
    return pd.DataFrame(columns=tables.CROSS_TRAINED.columns)


def report(
    paths: Paths,
    splits: pd.DataFrame,
    scores: tuple[Scored, Scored | None],
    calibration: Calibration,
    seen: NDArray[np.bool_],
    params: Params,
) -> dict[str, Any]:
    """Write predictions, calibration and plots of (candidate, base) scores; return the numbers."""
    scored, _ = scores
    columns = Columns(paths.scratch / "columns.npy", len(scored.classes), len(splits))
    write_predictions(paths.predictions, splits, scores, calibration, columns.put)
    calibration.write(paths.calibration)
    facts = read_facts(paths.predictions, scored.classes, splits["leak_group"])
    sets = split_metrics.measured_sets(facts, seen)
    numbers = numbers_of(facts, sets, columns, params)
    result = split_metrics.nest(numbers) | {"against_base": compared(facts, sets)}
    test = facts.where(sets.get("test", np.zeros(len(facts), bool)))
    result["thresholds"] = ood_metrics.operating_points(test, calibration, params.evaluate.precisions)
    wanted = calibration.threshold_for(params.evaluate.precisions[0])
    asked = facts.in_split(Split.TEST) | facts.in_split(Split.BENCHMARK) | facts.in_split(Split.OUT)
    far = ood_scores(scored, calibration, asked)
    result["out_of_scope"] = ood_metrics.ood_metrics(facts, seen, wanted, far)
    result["breakdown"] = breakdown(facts, sets, numbers, calibration.label_noise)
    held_out = facts.in_split(Split.TEST) | facts.in_split(Split.BENCHMARK)
    result["left_out"] = {"seen_by_an_ancestor": int((seen & held_out).sum())}
    write_plots(facts, sets, paths.plots)
    return split_metrics.tidy(result)


def numbers_of(
    facts: Facts, sets: Mapping[str, NDArray[np.bool_]], columns: Columns, params: Params
) -> dict[str, dict[str, Any]]:
    """The metrics of every measured set that has images of the model's classes."""
    out = {}
    for name, mask in sets.items():
        with busy(f"measure {name}"):
            found = split_metrics.measure(facts.where(mask), params.evaluate.bootstrap, params.seed)
        if found:
            auc, reach = columns.macro_auc(facts.label, facts.group, mask & (facts.label >= 0))
            out[name] = found | {"auc": auc, "auc_low": reach.low, "auc_high": reach.high}
    return out


def compared(facts: Facts, sets: dict[str, Any]) -> dict[str, Any]:
    """Candidate against base on test and every benchmark set, where the base has an answer."""
    out = {}
    for name, mask in sets.items():
        if name == "test" or name.startswith("benchmark/"):
            both = facts.where(mask & facts.base_answered & (facts.label >= 0))
            if len(both):
                out[name] = paired.against(both.right, both.base_right, both.group).as_dict()
    return split_metrics.nest(out)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write JSON, whole or not at all."""
    write_text(path, json_text(values) + "\n")
