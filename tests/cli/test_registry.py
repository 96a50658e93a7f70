import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from curation.cli.main import app
from curation.project import Project
from curation.registry.versions import Entry, append, before_current, next_version, read_log

RUN = "from curation.cli.main import app; app()"


def entry(version, action="promote", classes=("cat", "dog")):
    return Entry(
        action, version, "0" * 32, 9, "1" * 32, 9, list(classes), "", "", "", "2026-01-01T00:00:00+00:00", "Ada"
    )


def test_versions_lists_newest_first_as_json(tmp_path, monkeypatch):
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "data/raw").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "data/raw")  # from a subfolder the answer is the same
    append(Project(tmp_path), entry("v1.0.0"))
    append(Project(tmp_path), entry("v1.1.0", classes=("bear", "cat", "dog")))
    shown = CliRunner().invoke(app, ["versions", "--json"])
    rows = json.loads(shown.stdout)
    assert [(row["version"], row["now"], row["classes"]) for row in rows] == [("v1.1.0", True, 3), ("v1.0.0", False, 2)]


OUTSIDE = [["promote"], ["rollback"], ["versions"], ["compare", "a", "b"], ["tune"], ["report"], ["init", "--update"]]
OUTSIDE += [["unknowns"], ["thin"], ["staged"], ["purge"], ["lookalikes", "two"], ["next"], ["label", "accept", "x"]]


@pytest.mark.parametrize("command", OUTSIDE)
def test_outside_of_a_project_there_is_one_message_and_no_traceback(tmp_path, command):
    done = subprocess.run(
        [sys.executable, "-c", RUN, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("classes", "expected"),
    [(("cat", "dog"), "v1.0.1"), (("bear", "cat", "dog"), "v1.1.0"), (("cat",), "v2.0.0")],
)
def test_a_version_says_what_happened_to_the_classes(classes, expected):
    assert next_version([entry("v1.0.0")], list(classes)) == expected


def test_rolling_back_twice_goes_two_versions_back():
    log = [entry("v1.0.0"), entry("v1.0.1"), entry("v1.0.2"), entry("v1.0.1", action="rollback")]
    assert before_current(log).version == "v1.0.0"


def test_a_new_version_after_a_rollback_takes_a_new_number():
    log = [entry("v1.0.0"), entry("v1.0.1"), entry("v1.0.0", action="rollback")]
    assert next_version(log, ["cat", "dog"]) == "v1.0.2"


def test_the_log_survives_a_round_trip(tmp_path):
    append(Project(tmp_path), entry("v1.0.0"))
    assert read_log(Project(tmp_path)) == [entry("v1.0.0")]
