"""The round in five lines says the numbers that every other place says."""

import json
import re

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from curation.cli.main import app
from curation.evaluation.headline import POPULATION
from curation.params import Params
from curation.project import Project
from curation.report.summary import in_numbers, in_words, summary
from curation.review.project_queue import read_queue
from curation.review.queue_status import progress


def test_accuracy_is_that_of_the_metrics_file(project):
    """Not a share counted anew: the benchmark may hold classes that the model does not have."""
    line = summary(Project(project))[2]
    metrics = json.loads(Project(project).metrics.read_text())
    for name, facts in (("test", metrics["test"]), ("benchmark/frozen", metrics["benchmark"]["frozen"])):
        assert f"{facts['accuracy']:.3f} on {name} ({facts['images']} images)" in line


def test_the_population_is_said_once_and_only_beside_accuracies(project):
    numbers = in_numbers(Project(project))
    lines = in_words(numbers)
    assert "\n".join(lines).count(POPULATION) == lines[2].count(POPULATION) == 1
    assert POPULATION not in "\n".join(in_words(numbers | {"model": {}}))


def test_counts_are_those_of_the_report(project, text):
    images, classes, _, review, pool = summary(Project(project))
    assert "300 files: 1 unreadable, 0 identical copies, 1 near-duplicates" in images
    assert "1 near-duplicates were found" in text
    assert classes.startswith("Classes 3 in the model")
    left = progress(read_queue(Project(project), Params().review))[-1]
    assert f"{left['left']} of {left['queued']} queued images" in review
    assert "4 unlabelled images were named" in pool


@pytest.mark.parametrize("command", ["summary", "report"])
def test_json_is_the_object_that_the_help_promises(project, monkeypatch, command):
    monkeypatch.chdir(project)
    (project / "dvc.yaml").touch()
    (project / "params.yaml").write_text("lr: 0.001\n")
    done = CliRunner().invoke(app, [command, "--json"])
    told = next(one.help for one in get_command(app).commands[command].params if "--json" in one.opts)
    assert set(json.loads(done.stdout)) == set(re.findall(r"\w+", told.partition(":")[2].replace("in numbers", "")))


def test_the_lines_and_the_numbers_are_of_one_round(project):
    numbers = in_numbers(Project(project))
    assert summary(Project(project)) == in_words(numbers)
    assert numbers["model"]["test"]["accuracy"] == json.loads(Project(project).metrics.read_text())["test"]["accuracy"]
