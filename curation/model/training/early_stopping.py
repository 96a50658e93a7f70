"""When training stops early, and which epoch's weights are the best.

An epoch is better with a higher val accuracy, and among equals with a lower val loss. Without val images, the last
epoch is the best, and training never stops early.
"""

from curation.model.checkpoint import State
from curation.model.training.run_state import Progress, RunState

Row = dict[str, float]


def is_finished(progress: Progress, epochs: int, patience: int) -> bool:
    """Early stopping: whether all epochs are done, or the last `patience` of them brought no better val (0: never)."""
    waited = progress.epoch - 1 - progress.best_epoch
    return progress.epoch >= epochs or bool(patience and waited >= patience)


def record_epoch(progress: Progress, row: Row, state: State, runs: RunState) -> None:
    """Add the figures of an epoch to the history, and keep its weights `state` when they are the best so far."""
    if progress.best_epoch < 0 or _merit(row) >= _merit(progress.history[progress.best_epoch]):
        progress.best_epoch = progress.epoch
        runs.keep_best(progress.epoch, state)
    progress.history.append(row)
    progress.epoch += 1


def _merit(row: Row) -> tuple[float, float]:
    return row.get("val_accuracy", row["epoch"]), -row.get("val_loss", 0.0)
