import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from curation.cli.main import app
from curation.project import Project
from curation.registry.versions import Entry, before_current, line, next_version, read_log

FORKED = """
import json, os, sys, tempfile
import pandas, scipy.special, pyarrow.parquet, curation.labelling.accept, curation.registry.promote
from curation.cli.main import app

for words in json.loads(sys.argv[1]):
    with tempfile.TemporaryFile("w+") as said:
        child = os.fork()
        if not child:
            os.dup2(said.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.argv = ["curate", *words]
            app()
        _, status = os.waitpid(child, 0)
        said.seek(0)
        print(json.dumps([words, os.waitstatus_to_exitcode(status), said.read()]), flush=True)
"""


def entry(version, action="promote", classes=("cat", "dog")):
    return Entry(
        action, version, "0" * 32, 9, "1" * 32, 9, list(classes), "", "", "", "2026-01-01T00:00:00+00:00", "Ada"
    )


def append(project, entry):
    project.versions.parent.mkdir(parents=True, exist_ok=True)
    with project.versions.open("a", encoding="utf-8") as log:
        log.write(line(entry))


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


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """Exit code and stderr of every command, by its words, in a folder that is no project.

    Each runs in a process of its own, forked from one that has imported the program.
    """
    folder = tmp_path_factory.mktemp("outside")
    done = subprocess.run(
        [sys.executable, "-c", FORKED, json.dumps(OUTSIDE)], cwd=folder, capture_output=True, text=True, check=True
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert not list(folder.iterdir())
    return {tuple(command): (code, said) for command, code, said in told}


@pytest.mark.parametrize("command", OUTSIDE, ids=" ".join)
def test_outside_of_a_project_there_is_one_message_and_no_traceback(outside, command):
    code, said = outside[tuple(command)]
    assert code == 1
    assert said.startswith("error: ")
    assert "Traceback" not in said


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
