"""Hyper-parameter search: Optuna proposes trials, DVC runs them, and bad trials are stopped early.

Each trial is `dvc exp run --temp`, so the workspace does not change and `dvc exp show` lists the results. The training
process writes each epoch to a file that the search reads. The search stops a trial with a stop file, and a stopped
trial does not become an experiment. The study is a journal on disk. After a kill the search continues with the
interrupted trial. A training whose search was killed notices it at its next epoch and ends.
"""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from curation.errors import CurationError, printable
from curation.model.training.search_watch import OWNER, PROGRESS, STOP, WATCH, Row
from curation.params.blocks import Range, Tune
from curation.project import Project

POLL_SECONDS = 0.2
GRACE_SECONDS = 20.0  # that an experiment has to clear up after itself
Runner = Callable[[str, Mapping[str, Any], Callable[[Row], bool]], list[Row] | None]


class SearchError(CurationError):
    """The search can't be set up, or a trial failed."""


@dataclass(frozen=True)
class Best:
    """The best trial that a search found."""

    experiment: str
    value: float
    params: dict[str, Any]
    finished: int
    pruned: int
    measured: tuple[float, ...] = ()  # the metric after every epoch of every trial, which the best was chosen from


def search(config: Tune, project: Project, *, trials: int, sampler: str, seed: int, run: Runner | None = None) -> Best:
    """Run trials until `trials` of the study are finished or pruned, and return the best one.

    An existing study is continued. Raises SearchError when the study was begun with another space or metric, or when a
    trial fails.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = project.cache("tune")
    study = _open_study(config, folder, sampler, seed)
    _refuse_other_space(study, config)
    run_one: Runner = run or partial(run_experiment, project, folder / config.study)
    _requeue(study)
    if sampler == "grid":
        trials = min(trials, _enqueue_grid(study, config))
    states = optuna.trial.TrialState
    over = len(study.get_trials(states=(states.COMPLETE, states.PRUNED)))
    if over >= trials:
        print(
            f"study `{config.study}` has {over} trials already, so nothing was trained. "
            "For more, raise --trials; to start a new study, set another `tune.study`",
            file=sys.stderr,
        )
    while len(study.get_trials(states=(states.COMPLETE, states.PRUNED))) < trials:
        trial = study.ask()
        chosen = {key: _suggest(trial, key, space) for key, space in config.space.items()}
        name = f"{config.study}-{trial.number}"
        trial.set_user_attr("experiment", name)
        trial.set_user_attr("chosen", chosen)
        rows = run_one(name, chosen, partial(_enough, trial, config.metric))
        if rows is None:
            study.tell(trial, state=states.PRUNED)
        else:
            study.tell(trial, _best(rows, config.metric))
        told = "given up" if rows is None else f"{_best(rows, config.metric):.4f}"
        print(printable(f"{name}: {_words(chosen)} -> {told}"), file=sys.stderr, flush=True)
    done = study.get_trials(states=(states.COMPLETE,))
    if not done:
        raise SearchError(
            f"all {trials} trials were stopped early; raise --trials, or look at the logs in {folder / config.study}"
        )
    best = study.best_trial
    pruned = len(study.get_trials(states=(states.PRUNED,)))
    every = study.get_trials(states=(states.COMPLETE, states.PRUNED))
    measured = tuple(float(value) for trial in every for value in trial.intermediate_values.values())
    return Best(
        best.user_attrs["experiment"], float(best.value), best.user_attrs["chosen"], len(done), pruned, measured
    )


def run_experiment(
    project: Project, home: Path, name: str, chosen: Mapping[str, Any], enough: Callable[[Row], bool]
) -> list[Row] | None:
    """Run one DVC experiment and return its epochs; None when `enough` stopped it or the training diverged.

    The epochs and the log of DVC are kept in the folder `home`/`name`. Raises SearchError when the experiment fails.
    """
    folder = (home / name).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / OWNER).write_text(str(os.getpid()), encoding="ascii")
    sets = [part for key, value in chosen.items() for part in ("-S", f"{key}={value!r}".replace("'", ""))]
    command = [sys.executable, "-m", "dvc", "exp", "run", "--temp", "--name", name, "--force", *sets, "evaluate"]
    environment = {**os.environ, WATCH: str(folder)}
    with (folder / "log").open("wb") as out:
        # A session of its own: Ctrl-C reaches the search alone, which ends the experiment and lets DVC clear up.
        process = subprocess.Popen(
            command,
            cwd=project.root,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment,
            start_new_session=True,
        )
        try:
            rows = _follow(process, folder, enough)
        except BaseException:
            _end(process)
            raise
    if (folder / STOP).exists() and process.returncode:
        return None
    if process.returncode or not rows:
        tail = (folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise SearchError(f"experiment {name} failed; the end of {home / name / 'log'}:\n{tail}")
    return rows


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt an experiment and its child processes, as Ctrl-C would, and kill them when they do not end."""
    for way, seconds in ((signal.SIGINT, GRACE_SECONDS), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, way)
            process.wait(seconds)


def _follow(process: subprocess.Popen[bytes], folder: Path, enough: Callable[[Row], bool]) -> list[Row]:
    rows: list[Row] = []
    while True:
        over = process.poll() is not None
        path = folder / PROGRESS
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        for line in lines[len(rows) :]:
            rows.append(json.loads(line))
            if enough(rows[-1]):
                (folder / STOP).touch()
        if over:
            return rows
        time.sleep(POLL_SECONDS)


def _open_study(config: Tune, folder: Path, sampler: str, seed: int) -> Any:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    folder.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(folder / f"{config.study}.journal")))
    samplers = optuna.samplers
    chosen: Any = samplers.TPESampler(seed=seed) if sampler == "tpe" else samplers.RandomSampler(seed=seed)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=config.startup, n_warmup_steps=config.warmup)
    return optuna.create_study(
        study_name=config.study,
        storage=storage,
        sampler=chosen,
        pruner=pruner,
        direction="maximize",
        load_if_exists=True,
    )


def _refuse_other_space(study: Any, config: Tune) -> None:
    """Raise SearchError when the study was begun with another space or metric, because its trials can't be compared."""
    wanted = {"metric": config.metric, "space": config.model_dump(mode="json")["space"]}
    before = study.user_attrs.get("question", wanted)
    changed = [f"metric ({before['metric']} -> {config.metric})"] if before["metric"] != config.metric else []
    keys = sorted({*before["space"], *wanted["space"]})
    changed += [f"space.{key}" for key in keys if before["space"].get(key) != wanted["space"].get(key)]
    if changed:
        named = ", ".join(f"tune.{one}" for one in changed)
        raise SearchError(
            f"{named} differ from those that study `{config.study}` was started with, and a study can't mix the two. "
            f"Set another name, such as `study: {config.study}-2`, to start a new one, or restore the old values"
        )
    study.set_user_attr("question", wanted)


def _requeue(study: Any) -> None:
    """Put the trials that were running when the search was killed first in the queue."""
    from optuna.trial import TrialState

    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        if trial.params:
            study.enqueue_trial(trial.params)


def _suggest(trial: Any, key: str, space: Range | list[Any]) -> Any:
    if isinstance(space, list):
        return trial.suggest_categorical(key, space)
    if isinstance(space.low, int) and isinstance(space.high, int):
        return trial.suggest_int(key, space.low, space.high, log=space.log)
    return float(f"{trial.suggest_float(key, space.low, space.high, log=space.log):.4g}")


def _enqueue_grid(study: Any, config: Tune) -> int:
    """Add every point of the grid that is not in the study yet to the queue. Return how many points there are."""
    for key, space in config.space.items():
        if not isinstance(space, list):
            raise SearchError(f"tune.space.{key} is a range; the grid sampler needs a list of values")
    points = [dict(zip(config.space, point, strict=True)) for point in itertools.product(*config.space.values())]
    for point in points:
        study.enqueue_trial(point, skip_if_exists=True)
    return len(points)


def _enough(trial: Any, metric: str, row: Row) -> bool:
    trial.report(_best([row], metric), int(row["epoch"]))
    return bool(trial.should_prune())


def _best(rows: list[Row], metric: str) -> float:
    if metric not in rows[0]:
        raise SearchError(f"tune.metric is {metric}, but there is no image in val: raise `split.val`")
    return max(row[metric] for row in rows)


def _words(chosen: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in chosen.items())
