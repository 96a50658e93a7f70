"""From tables to a candidate: the work of the stage `train`.

It starts from the base model, gives it a head for today's classes, trains it, and writes the best weights. The
checkpoint also holds what the next round inherits: classes, normalisation and lineage. The recipe is chained
fine-tuning: train from scratch once, then fine-tune the last promoted model on the grown data.
"""

import csv
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from curation.errors import printable
from curation.files import write_text
from curation.images.store.pixels import Pixels
from curation.model import checkpoint
from curation.model import device as devices
from curation.model.base_model import start_from
from curation.model.header import Header
from curation.model.trackers import open_trackers
from curation.model.training.candidate_header import HISTORY, candidate_header
from curation.model.training.epoch import DivergedError, Engine
from curation.model.training.examples import check_shares, classes_of, dataset_hash, examples_of
from curation.model.training.loop import Data, Outcome, Row, fit
from curation.model.training.run_state import RunState, run_key, sweep
from curation.model.training.sanity_checks import check_all, check_learnt
from curation.model.training.search_watch import give_up, watch
from curation.params import Params
from curation.tables.codes import Split

log = logging.getLogger(__name__)
RECIPE = ("lr", "epochs", "batch_size", "arch", "image_size", "seed", "throwaway", "train")


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
    classes, recipe = classes_of(splits), _recipe(params)
    start = start_from(Path(params.base_model), classes, params)
    data = data_of(splits, classes, pixels)
    device = devices.choose(params.train.device, params.train.precision, announce=True)
    if device.is_main:
        for line in (*start.inherited, f"images: {len(data.train):,} to train on, {len(data.val):,} to validate"):
            log.info("%s", printable(line))
    check_shares(len(data.train), params.batch_size, device.world, params.train.accumulate)
    engine = Engine(start.model, start.head, start.base, params, device)
    facts = {"dataset": dataset_hash(splits), "parent": start.base_md5, **recipe}
    key = run_key({**facts, "pixels": pixels.input.facts(), "device": device.describe()})
    if device.is_main:  # the others would delete the same folders at the same time
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
        if params.train.checks and device.is_main:
            check_learnt(outcome.history, data)
        header = replace(candidate_header(start, classes, splits, recipe, outcome), pixels=pixels.input.facts())
        if device.is_main:
            write_reports(report, outcome, header)
            checkpoint.save(out, outcome.state, header)
        for tracker in trackers:
            tracker.model(out, header.metrics)
    runs.clear()
    return header


def _recipe(params: Params) -> dict[str, Any]:
    """The parameters that decide the weights: a run that was killed goes on under the same ones only."""
    return {name: value for name, value in params.model_dump().items() if name in RECIPE}


def data_of(splits: pd.DataFrame, classes: tuple[str, ...], pixels: Pixels) -> Data:
    """The train and val images whose labels are in `classes`."""
    train_rows, val_rows = (splits[splits["split"] == split] for split in (Split.TRAIN, Split.VAL))
    return Data(pixels, examples_of(train_rows, classes, pixels), examples_of(val_rows, classes, pixels))


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
    write_text(folder / "summary.json", json.dumps(summary, indent=1) + "\n")


def write_history(path: Path, history: list[Row]) -> None:
    """Write one row for each epoch."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HISTORY, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in history)
