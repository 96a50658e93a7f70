"""Trackers of a training run: TensorBoard and MLflow, both as extras.

They only receive figures; the history for `dvc plots` is always written. What they write holds times, so it lies
outside DVC, among the caches of the project: TensorBoard in `tensorboard`; MLflow at `MLFLOW_TRACKING_URI` or in
`mlruns`.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from curation.errors import CurationError

log = logging.getLogger(__name__)
Row = dict[str, float]


class TrackerError(CurationError):
    """A tracker in `train.trackers` that is not installed, or that refuses the run."""


class Tracker(Protocol):
    """Receives the figures of a run."""

    def epoch(self, row: Row) -> None:
        """Record the figures of an epoch."""

    def model(self, path: Path, metrics: Mapping[str, float]) -> None:
        """Record the finished model."""


@contextmanager
def open_trackers(names: Sequence[str], run: str, facts: Mapping[str, Any], caches: Path) -> Iterator[list[Tracker]]:
    """Open the trackers of a run, and close them at the end. facts: its parameters and the hash of its data.

    What they write on this machine goes into the folder `caches`.
    """
    with ExitStack() as stack:
        makers = {"tensorboard": _tensorboard, "mlflow": _mlflow}
        yield [stack.enter_context(makers[name](run, facts, caches)) for name in names]


def flat(facts: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested parameters with dotted names."""
    found: dict[str, Any] = {}
    for name, value in facts.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


class _TensorBoard:
    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def epoch(self, row: Row) -> None:
        for name, value in row.items():
            if name != "epoch":
                self._writer.add_scalar(name, value, int(row["epoch"]))

    def model(self, path: Path, metrics: Mapping[str, float]) -> None:
        self._writer.add_text("model", f"{path}: {dict(metrics)}")


class _MLflow:
    def __init__(self, client: Any) -> None:
        self._client = client

    def epoch(self, row: Row) -> None:
        self._client.log_metrics(
            {name: value for name, value in row.items() if name != "epoch"}, step=int(row["epoch"])
        )

    def model(self, path: Path, metrics: Mapping[str, float]) -> None:
        self._client.log_metrics({f"best_{name}": float(value) for name, value in metrics.items()})
        self._client.log_artifact(str(path))


@contextmanager
def _tensorboard(run: str, facts: Mapping[str, Any], caches: Path) -> Iterator[Tracker]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise TrackerError(_missing("tensorboard")) from None
    folder = caches / "tensorboard" / run
    log.info("tensorboard --logdir %s", folder.parent)
    writer = SummaryWriter(str(folder))
    try:
        writer.add_text("params", "\n".join(f"    {name}: {value}" for name, value in flat(facts).items()))
        yield _TensorBoard(writer)
    finally:
        writer.close()


@contextmanager
def _mlflow(run: str, facts: Mapping[str, Any], caches: Path) -> Iterator[Tracker]:
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # MLflow 3 asks for this before it writes plain files
    try:
        import mlflow
    except ImportError:
        raise TrackerError(_missing("mlflow")) from None
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        mlflow.set_tracking_uri((caches / "mlruns").absolute().as_uri())
    log.info("mlflow: %s", mlflow.get_tracking_uri())
    try:
        mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", "curation"))
        with mlflow.start_run(run_name=os.environ.get("DVC_EXP_NAME", run)):
            mlflow.log_params({name: str(value)[:500] for name, value in flat(facts).items()})
            yield _MLflow(mlflow)
    except mlflow.exceptions.MlflowException as error:
        raise TrackerError(f"mlflow at {mlflow.get_tracking_uri()} refuses the run: {error}") from None


def _missing(name: str) -> str:
    return (
        f"train.trackers names {name}, which is not installed: pip install 'curation[{name}]', or take it off the list"
    )
