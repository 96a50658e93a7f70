"""A real DVC repository with a stage that learns nothing but reports as training does."""

import json
import os
import sys
from pathlib import Path

import pytest
from factories.projects import Repository

from curation.model.training import search_watch as searching
from curation.model.training.search_watch import StoppedError, watch
from curation.params.blocks import Range, Tune
from curation.project import Project
from curation.tuning.search import SearchError, search

STAGE = """
import json, sys, time
from pathlib import Path
from ruamel.yaml import YAML
from curation.errors import fail_cleanly
from curation.model.training.search_watch import watch

@fail_cleanly
def main():
    lr = YAML(typ="safe").load(Path("params.yaml"))["lr"]
    if lr > 5:
        sys.exit("boom")
    for epoch in range(1, 6):
        watch({"epoch": epoch, "val_accuracy": lr * epoch / 5})
        time.sleep(0.3 if lr < 0.1 else 0)
    Path("metrics.json").write_text(json.dumps({"accuracy": lr}))

main()
"""
PIPELINE = """
stages:
  evaluate:
    cmd: {python} stage.py
    deps: [stage.py]
    params: [lr]
    metrics: [metrics.json]
"""


def tune(space, **changes) -> Tune:
    return Tune(**{"space": space, "startup": 1, "warmup": 0, **changes})


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    stage = {"stage.py": STAGE, "dvc.yaml": PIPELINE.format(python=sys.executable)}
    return Repository.start(tmp_path, {**stage, "params.yaml": "lr: 1\n"})


@pytest.mark.slow
def test_trials_are_dvc_experiments_and_bad_ones_are_given_up(repository):
    best = search(tune({"lr": [0.9, 0.01]}), Project(Path()), trials=2, sampler="grid", seed=1)
    assert best.params == {"lr": 0.9}
    assert best.value == pytest.approx(0.9)
    assert best.experiment in repository.run("dvc", "exp", "list", "--name-only").split()
    assert Path("params.yaml").read_text() == "lr: 1\n"
    with pytest.raises(SearchError, match="boom"):
        search(tune({"lr": [9.0]}, study="loud"), Project(Path()), trials=1, sampler="grid", seed=0)


def test_a_study_goes_on_where_it_was_killed(tmp_path):
    ran = []

    def run(name, chosen, enough):
        ran.append((name, chosen["lr"]))
        if len(ran) == 3:
            raise KeyboardInterrupt
        return [{"epoch": 1, "val_accuracy": -abs(chosen["lr"] - 0.01)}]

    config = tune({"lr": Range(low=1e-4, high=1.0, log=True)})
    with pytest.raises(KeyboardInterrupt):
        search(config, Project(tmp_path), trials=5, sampler="tpe", seed=0, run=run)
    search(config, Project(tmp_path), trials=5, sampler="tpe", seed=0, run=run)
    assert len(ran) == 6
    assert ran[3][1] == ran[2][1]
    assert search(config, Project(tmp_path), trials=5, sampler="tpe", seed=0, run=run).finished == 5
    assert len(ran) == 6


def test_a_trial_below_the_median_is_pruned(tmp_path):
    values = iter([0.9, 0.8, 0.1])

    def run(name, chosen, enough):
        value = next(values)
        row = {"epoch": 1, "val_accuracy": value}
        return None if enough(row) else [row]

    best = search(tune({"lr": [1, 2, 3]}), Project(tmp_path), trials=3, sampler="random", seed=0, run=run)
    assert (best.finished, best.pruned, best.value) == (1, 2, 0.9)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"space": {"lr": [1, 2, 4]}}, r"tune\.space\.lr"),
        ({"space": {"lr": [1, 2, 3], "seed": [0, 1]}}, r"tune\.space\.seed"),
        ({"metric": "train_accuracy"}, r"tune\.metric \(val_accuracy -> train_accuracy\)"),
    ],
)
def test_a_study_of_another_space_says_what_changed_and_what_to_do(tmp_path, changes, named):
    def run(name, chosen, enough):
        return [{"epoch": 1, "val_accuracy": 0.5, "train_accuracy": 0.5}]

    def go(**asked):
        config = tune(**{"space": {"lr": [1, 2, 3]}, **asked})
        return search(config, Project(tmp_path), trials=2, sampler="tpe", seed=0, run=run)

    assert go().finished == 2
    with pytest.raises(SearchError, match=f"{named}.*study: tune-2"):
        go(**changes)
    assert go(**changes, study="tune-2").finished == 2
    assert go().finished == 2


def test_a_finished_study_says_that_nothing_was_trained(tmp_path, capsys):
    def run(name, chosen, enough):
        return [{"epoch": 1, "val_accuracy": 0.5}]

    for said in (False, True):
        search(tune({"lr": [1, 2]}), Project(tmp_path), trials=2, sampler="tpe", seed=0, run=run)
        assert ("nothing was trained" in capsys.readouterr().err) is said


def test_a_range_is_no_grid(tmp_path):
    with pytest.raises(SearchError, match="needs a list"):
        search(tune({"lr": Range(low=0.1, high=1.0)}), Project(tmp_path), trials=1, sampler="grid", seed=0)


def test_a_watched_run_reports_and_gives_up(tmp_path, monkeypatch):
    watch({"epoch": 1})
    monkeypatch.setenv(searching.WATCH, str(tmp_path))
    (tmp_path / searching.OWNER).write_text(str(os.getpid()))
    watch({"epoch": 1, "val_accuracy": 0.5})
    (tmp_path / searching.STOP).touch()
    with pytest.raises(StoppedError):
        watch({"epoch": 2, "val_accuracy": 0.5})
    rows = [json.loads(line) for line in (tmp_path / searching.PROGRESS).read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]
