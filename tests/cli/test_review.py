import json
import subprocess
import sys
from pathlib import Path

import pytest
from factories.review_project import make_project
from typer.testing import CliRunner

from curation.cli.main import app

REPOSITORY = Path(__file__).parents[2]
CURATE = Path(sys.executable).with_name("curate")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project with tables and twelve images, nine of them in the queue."""
    folder = tmp_path_factory.mktemp("cli_review")
    make_project(folder, 12)
    return folder


@pytest.fixture
def curate(root, fiftyone_env):
    """Run `curate review ...`: exit code, stdout, stderr."""

    def run(*words, **more):
        env = {**fiftyone_env, "FIFTYONE_DATABASE_NAME": "curation_cli", "PYTHONPATH": str(REPOSITORY), **more}
        done = subprocess.run(
            [CURATE, "review", *words], cwd=root, env=env, capture_output=True, text=True, timeout=180, check=False
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize("command", ["push", "open", "pull", "status"])
def test_every_command_has_help_with_an_example(command):
    answer = CliRunner().invoke(app, ["review", command, "--help"])
    assert answer.exit_code == 0
    assert f"curate review {command}" in answer.output


@pytest.mark.parametrize("command", ["push", "open"])
def test_something_is_said_before_fiftyone_is_imported(tmp_path, command):
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_text("review: {dataset: x}\n" if name == "params.yaml" else "")
    line = [sys.executable, "-X", "importtime", CURATE, "review", command]
    said = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False).stderr
    assert "which can take a minute" in said
    before = said[: said.index("Reading the review queue")]
    assert not [line for line in before.splitlines() if line.split("|")[-1].strip() in {"fiftyone", "torch", "sklearn"}]
    assert "dvc repro" in said
    assert "Traceback" not in said


def test_status_tells_what_is_left_without_fiftyone(root, monkeypatch):
    monkeypatch.chdir(root)
    answer = CliRunner().invoke(app, ["review", "status", "--json"])
    assert answer.exit_code == 0
    rows = json.loads(answer.output)
    assert rows[-1] == {"kind": "all", "queued": 9, "decided": 0, "left": 9}
    assert sum(row["queued"] for row in rows[:-1]) == 9


def test_status_in_an_empty_folder_names_the_missing_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "params.yaml").write_text("review: {dataset: digits}\n")
    answer = CliRunner().invoke(app, ["review", "status"])
    assert answer.exit_code == 1
    assert "errors.parquet: the table does not exist" in answer.output


@pytest.mark.slow
def test_push_and_pull_by_the_command_line(curate):
    code, said, trouble = curate("pull")
    assert code == 1
    assert trouble.splitlines()[-1].startswith("error: FiftyOne has no dataset `digits`")
    code, said, trouble = curate("push", "--json")
    assert code == 0, trouble
    told = json.loads(said)[0]
    assert (told["dataset"], told["added"], told["removed"]) == ("digits", told["samples"], 0)
    assert json.loads(curate("push", "--json")[1])[0]["added"] == 0
    assert json.loads(curate("pull", "--json")[1]) == []
