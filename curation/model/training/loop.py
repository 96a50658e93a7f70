"""The training loop: epoch after epoch, until the last one or until val has not improved for `patience` epochs.

All random numbers are functions of (seed, epoch, batch). So a run that was killed continues to the same weights, and on
a CPU two runs give the same bytes. Under torchrun each process takes its part of every batch (see loader.py).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch.distributed as dist

from curation.images.store.pixels import Pixels
from curation.model.checkpoint import State
from curation.model.training.early_stopping import is_finished, record_epoch
from curation.model.training.epoch import Engine
from curation.model.training.examples import Examples
from curation.model.training.loader import Loader
from curation.model.training.optim import rate_at
from curation.model.training.run_state import RunState, average_of
from curation.model.training.throughput import Meter, Plan

log = logging.getLogger(__name__)
Row = dict[str, float]
Listener = Callable[[Row], None]


@dataclass(frozen=True)
class Data:
    """What a run trains on and is measured on; `val` may be empty."""

    pixels: Pixels
    train: Examples
    val: Examples


@dataclass(frozen=True)
class Outcome:
    """The result of a run: the best weights, their epoch, and the figures of every epoch."""

    state: State
    best_epoch: int  # 1 is the first
    history: list[Row]


def fit(
    engine: Engine, data: Data, runs: RunState, listeners: Sequence[Listener] = (), *, quiet: bool = False
) -> Outcome:
    """Train from the last finished epoch of `runs`.

    listeners: called with the figures of every epoch, also of those before a resume.
    The best weights are those with the highest val accuracy, and among equals the lowest val loss. Without val images
    they are the last weights.
    """
    params, device = engine.params, engine.device
    steps = -(-len(data.train) // params.batch_size)
    engine.hold_prior(data.train)
    progress, more = runs.restore(engine.model, engine.optimizer)
    if progress.scaler:
        engine.scaler.load_state_dict(progress.scaler)
    average = average_of(more, engine.model, params.train.ema, progress.epoch * steps)
    for row in progress.history:
        _tell(listeners, row)
    if progress.epoch and device.is_main:
        log.info("resumed after epoch %d of %d", progress.epoch, params.epochs)
    plan = Plan(len(data.train), len(data.val), params.epochs, params.train.freeze)
    with Loader(data.pixels, device, params.train.workers) as loader, Meter(plan, device, quiet=quiet) as meter:
        while not is_finished(progress, params.epochs, params.train.patience if len(data.val) else 0):
            epoch = progress.epoch
            meter.start(epoch)
            loss, accuracy = engine.train(epoch, loader, data.train, average, meter)
            rate = rate_at(epoch * steps, steps, params)
            row = {"epoch": epoch + 1, "lr": rate, "train_loss": loss, "train_accuracy": accuracy}
            if len(data.val):
                meter.measure()
                averaged = average.state if average else None
                row["val_loss"], row["val_accuracy"] = engine.measure(loader, data.val, averaged)
            record_epoch(progress, row, average.state if average else engine.model.state_dict(), runs)
            progress.scaler = engine.scaler.state_dict()
            runs.save(progress, engine.model, engine.optimizer, {"average": average.state} if average else {})
            meter.end(", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in row.items() if "_" in name))
            _tell(listeners, row)
    if device.world > 1:
        dist.barrier()  # the first process writes the best weights ...
    best = runs.best(progress.best_epoch)
    if device.world > 1:
        dist.barrier()  # ... and clears them away when all have them
    return Outcome(best, progress.best_epoch + 1, progress.history)


def _tell(listeners: Sequence[Listener], row: Row) -> None:
    for listener in listeners:
        listener(row)
