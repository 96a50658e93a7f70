"""From tables to a candidate: the work of the stage `train`.

It starts from the base model, gives it a head for today's classes, trains it, and writes the best weights. The
checkpoint also holds what the next round inherits: classes, normalisation and lineage. The recipe is chained
fine-tuning: train from scratch once, then fine-tune the last promoted model on the grown data.
"""

import csv
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from curation.images.store.pixels import Pixels
from curation.model import checkpoint
from curation.model import device as devices
from curation.model.base_model import Start, start_from
from curation.model.header import SPLIT_NAMES, Header
from curation.model.trackers import open_trackers
from curation.model.training.epoch import DivergedError, Engine
from curation.model.training.examples import classes_of, dataset_hash, examples_of
from curation.model.training.loop import Data, Outcome, Row, fit
from curation.model.training.run_state import RunState, run_key, sweep
from curation.model.training.sanity_checks import check_all
from curation.model.training.search_watch import give_up, watch
from curation.params import Params

IN_HEADER = ("lr", "epochs", "batch_size", "arch", "image_size", "seed", "throwaway", "train")
HISTORY = ("epoch", "lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy")

log = logging.getLogger(__name__)


def train(splits: pd.DataFrame, pixels: Pixels, params: Params, out: Path, report: Path, caches: Path) -> Header:
    """Train a candidate from `params.base_model`.

    Writes the checkpoint `out` and history and summary in the folder `report`; a run that was killed goes on from what
    it left in the folder `caches`.
    """
    try:
        return _train(splits, pixels, params, (out, report, caches))
    finally:
        devices.finish()


def _train(splits: pd.DataFrame, pixels: Pixels, params: Params, places: tuple[Path, Path, Path]) -> Header:
    out, report, caches = places
    classes = classes_of(splits)
    start = start_from(Path(params.base_model), classes, params)
    data = data_of(splits, classes, pixels)
    device = devices.choose(params.train.device, params.train.precision, announce=True)
    if device.is_main:
        for line in (*start.story, f"images: {len(data.train):,} to train on, {len(data.val):,} to validate"):
            log.info("%s", line)
    engine = Engine(start.model, start.head, start.base, params, device)
    facts = {"dataset": dataset_hash(splits), "parent": start.base_md5, **training_params(params)}
    key = run_key({**facts, "pixels": pixels.input.facts(), "device": device.describe()})
    sweep(caches / "train", key)
    runs = RunState(caches / "train" / key, writes=device.is_main)
    if params.train.checks and runs.is_new:
        check_all(engine, data)
    with open_trackers(params.train.trackers if device.is_main else [], key, facts, caches) as trackers:
        listeners = [tracker.epoch for tracker in trackers] + ([watch] if device.is_main else [])
        try:
            outcome = fit(engine, data, runs, listeners)
        except DivergedError:
            give_up()
            raise
        header = replace(candidate_header(start, classes, splits, params, outcome), pixels=pixels.input.facts())
        if device.is_main:
            write_reports(report, outcome, header)
            checkpoint.save(out, outcome.state, header)
        for tracker in trackers:
            tracker.model(out, header.metrics)
    runs.clear()
    return header


def data_of(splits: pd.DataFrame, classes: tuple[str, ...], pixels: Pixels) -> Data:
    """The train and val images whose labels are in `classes`."""
    train_rows, val_rows = (splits[splits["split"] == split] for split in ("train", "val"))
    return Data(pixels, examples_of(train_rows, classes, pixels), examples_of(val_rows, classes, pixels))


def candidate_header(
    start: Start, classes: tuple[str, ...], splits: pd.DataFrame, params: Params, outcome: Outcome
) -> Header:
    """Make the header of the candidate's checkpoint."""
    base, best = start.base, outcome.history[outcome.best_epoch - 1]
    metrics = {name: round(best[name], 6) for name in HISTORY if name in best and name not in {"epoch", "lr"}}
    return Header(
        arch=base.arch,
        classes=classes,
        image_size=base.image_size,
        mean=base.mean,
        std=base.std,
        stem=base.stem,
        params=training_params(params),
        dataset=dataset_hash(splits),
        parent=start.base_md5,
        metrics={**metrics, "best_epoch": outcome.best_epoch},
        throwaway=params.throwaway or base.throwaway,
        lineage=united_lineage(base.lineage, splits),
    )


def united_lineage(earlier: Mapping[str, str], splits: pd.DataFrame) -> dict[str, str]:
    """Unite the lineage of the base model with today's splits: image_id -> split.

    An image that this model or an earlier one was trained on is `train`. For the others the earlier split holds.
    """
    today = splits[splits["split"].isin(SPLIT_NAMES)]
    united = dict(zip(today["image_id"], today["split"], strict=True))
    for image_id, split in earlier.items():
        if united.get(image_id) != "train":
            united[image_id] = split
    return united


def training_params(params: Params) -> dict[str, Any]:
    """The parameters that decide the weights; they are kept in the header."""
    return {name: value for name, value in params.model_dump().items() if name in IN_HEADER}


def write_reports(folder: Path, outcome: Outcome, header: Header) -> None:
    """Write history.csv for `dvc plots`, and summary.json."""
    folder.mkdir(parents=True, exist_ok=True)
    write_history(folder / "history.csv", outcome.history)
    summary = {
        "arch": header.arch,
        "classes": len(header.classes),
        "epochs": len(outcome.history),
        "parent": header.parent,
        "dataset": header.dataset,
        **header.metrics,
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def write_history(path: Path, history: list[Row]) -> None:
    """Write one row for each epoch."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HISTORY, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in history)
