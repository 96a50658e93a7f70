"""`--wait` of the commands that only one at a time may be: they end and name the other, or wait for it."""

import json
import os
import subprocess
import sys
import time

import pytest
from factories.projects import Repository
from typer.main import get_command

from curation.cli.main import app
from curation.project import Project
from curation.project.parts import Part

HOLDING = {"promote", "rollback", "versions", "renew", "accept", "purge", "sample", "init", "tune"}


@pytest.fixture
def project(tmp_path):
    """A folder that is a project, and nothing more."""
    one = Repository(tmp_path)
    one.write({"dvc.yaml": "stages: {}\n", "params.yaml": "seed: 1\n", "stages/behaviour.yaml": "collect: 1\n"})
    return one


def test_the_commands_that_change_a_part_have_the_option_and_no_others():
    def waiting(group):
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from waiting(command)
            elif any("--wait" in option.opts for option in command.params):
                yield name

    assert set(waiting(get_command(app))) == HOLDING


def test_a_command_names_the_one_in_its_way_or_waits_for_it(project):
    with Project(project.root).alone(Part.BEHAVIOUR):
        said = project.run("curate", "init", "--update", code=1)
        assert "holds stages/behaviour.yaml" in said
        assert said.count("\n") == 1
        start = time.monotonic()
        project.run("curate", "init", "--update", "--wait", "0.5", code=1)
        assert time.monotonic() - start > 0.5
        waiting = subprocess.Popen(
            [sys.executable, "-c", "from curation.cli.main import app; app()", "init", "--update", "--wait"],
            cwd=project.root,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        assert "waiting: " in waiting.stderr.readline()
    with waiting:
        assert waiting.wait(60) == 0
    assert "collect: 1" not in (project.root / "stages/behaviour.yaml").read_text()


def test_a_command_that_only_reads_says_that_dvc_runs(project):
    place = project.root / ".dvc/tmp/rwlock"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps({"write": {"data/x": {"pid": os.getppid(), "cmd": "dvc repro"}}}))
    said = project.run("curate", "versions", "-h")
    assert "runs in this project" not in said
    said = project.run("curate", "review", "status", code=1)
    assert f"(process {os.getppid()}, since " in said
    assert said.index("runs in this project: until it ends, tables may be of two runs") < said.index("error: ")
    place.write_text("{}")
    assert "runs in this project" not in project.run("curate", "review", "status", code=1)
