import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from curation.project import Project
from curation.review.project_queue import is_temporary

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def stage(project, fiftyone_env):
    """Run the stage in the project's folder; (exit code, what it said, the receipt)."""

    def run(root=project.root, **env):
        settings = {**fiftyone_env, "FIFTYONE_DATABASE_NAME": "curation_stage", "PYTHONPATH": str(REPOSITORY), **env}
        command = [sys.executable, "-m", "stages.review"]
        (root / "stages").mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / "stages/behaviour.yaml", root / "stages")
        done = subprocess.run(command, cwd=root, env=settings, capture_output=True, text=True, timeout=120, check=False)
        receipt = root / "reports" / "review.json"
        return done.returncode, done.stdout + done.stderr, receipt.read_bytes() if receipt.exists() else b""

    return run


def state(root):
    """What the stage did on this machine."""
    return json.loads(Project(root).push_state.read_text())


@pytest.mark.slow
def test_the_receipt_says_what_was_pushed_and_is_the_same_again(stage, project):
    code, said, receipt = stage()
    assert code == 0, said
    assert "32 images in FiftyOne dataset `digits" in said
    told = json.loads(receipt)
    kinds = {"conflict": 6, "doubt": 6, "error": 6, "label error": 6, "out of scope": 6}
    assert (told["queue"], told["decided"], told["kinds"], told["clusters"]) == (30, 0, kinds, 2)
    assert state(project.root)["state"] == "pushed"
    assert str(Path.cwd()) not in receipt.decode()
    assert stage()[2] == receipt
    assert stage(FIFTYONE_DATABASE_URI="mongodb://127.0.0.1:9")[2] == receipt  # so dvc.lock is that of any machine


@pytest.mark.slow
def test_without_a_database_the_pipeline_goes_on_and_the_receipt_says_why(stage, project):
    code, said, receipt = stage(FIFTYONE_DATABASE_URI="mongodb://127.0.0.1:9")
    assert code == 0
    assert "nothing pushed" in said
    told = state(project.root)
    assert told["state"] == "skipped"
    assert json.loads(receipt)["queue"] == 30
    assert "does not answer" in told["reason"]
    assert "curate review push" in told["fix"]
    (project.root / "params.yaml").write_text("review:\n  dataset: digits\n  push: always\n")
    code, said, _ = stage(FIFTYONE_DATABASE_URI="mongodb://127.0.0.1:9")
    assert code == 1
    assert said.startswith("error: review in FiftyOne is not possible here")
    assert "Traceback" not in said


def test_a_temporary_experiment_pushes_nothing(stage, project, tmp_path):
    copy = tmp_path / ".dvc" / "tmp" / "exps" / "tmp123"
    copy.parent.mkdir(parents=True)
    project.root.rename(copy)
    code, said, receipt = stage(copy)
    assert code == 0
    assert "temporary copy" in said
    assert state(copy)["state"] == "skipped"
    assert json.loads(receipt)["queue"] == 30


@pytest.mark.parametrize(
    ("path", "temporary"),
    [
        ("/p/.dvc/tmp/exps/standalone/tmpx", True),
        ("/p/.dvc/tmp/exps/tmpx/sub", True),
        ("/p/tmp/exps", False),
        ("/p", False),
    ],
)
def test_a_temporary_copy_is_known_by_its_path(path, temporary):
    assert is_temporary(Project(Path(path))) is temporary


def test_tables_that_are_missing_are_named(stage, project):
    (project.root / "data" / "errors.parquet").unlink()
    code, said, _ = stage()
    assert code == 1
    assert "errors.parquet: the table does not exist" in said
    assert "dvc repro cluster" in said
