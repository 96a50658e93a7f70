"""Behaviour versions: what a project was made with, what the library does, and what is said when they differ."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from curation.cli.checks import State, repository
from curation.cli.main import app
from curation.project import behaviour_versions, stage_graph
from curation.project.behaviour_versions import VERSIONS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project without data: dvc.yaml, params.yaml and the versions."""
    monkeypatch.chdir(tmp_path)
    for name in ("dvc.yaml", "params.yaml", "stages/behaviour.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    return tmp_path


def set_version(root: Path, stage: str, number: int) -> None:
    path = root / behaviour_versions.FILE
    path.write_text(path.read_text().replace(f"{stage}: {VERSIONS[stage]}\n", f"{stage}: {number}\n"))


def test_this_repository_is_up_to_date_and_every_stage_has_its_version():
    stages = stage_graph.read_stages(ROOT)
    assert behaviour_versions.read(ROOT) == VERSIONS == dict.fromkeys(stages, 1) | VERSIONS
    for name, stage in stages.items():
        assert {"stages/behaviour.yaml": [name]} in stage["params"]
        assert not [dep for dep in stage["deps"] if dep.startswith("curation")], "a comment would run it again"
        assert f"stages/{name}.py" in stage["deps"]


@pytest.mark.parametrize("stage", ["split", "review", "identify"])
def test_a_stage_does_not_start_where_any_version_differs(project, stage):
    set_version(project, "train", VERSIONS["train"] + 1)
    set_version(project, "dedupe", 0)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", f"stages.{stage}"]
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    said = done.stderr
    assert f"dedupe 0 -> {VERSIONS['dedupe']}" in said
    assert f"train {VERSIONS['train'] + 1} -> {VERSIONS['train']}" in said
    assert "curate init --update" in said
    assert "Traceback" not in said


def test_update_writes_the_versions_and_says_what_runs_again(project):
    set_version(project, "evaluate", 7)
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert repository.behaviour(project).state is State.BROKEN
    result = CliRunner().invoke(app, ["init", "--update"])
    assert result.exit_code == 0, result.output
    assert f"evaluate 7 -> {VERSIONS['evaluate']}" in result.output
    assert "run again: evaluate" in result.output
    assert "changes: cluster, review, identify, report" in result.output
    changed = [path for path, data in before.items() if path.read_bytes() != data]
    assert changed == [project / behaviour_versions.FILE]
    assert (project / behaviour_versions.FILE).read_bytes() == (ROOT / behaviour_versions.FILE).read_bytes()
    assert repository.behaviour(project).state is State.OK
    assert "up to date" in CliRunner().invoke(app, ["init", "--update"]).output


@pytest.mark.parametrize("text", ["", "train: one\n", "- train\n", "{", "train: true\n"])
def test_a_missing_or_damaged_file_is_mended_by_the_same_command(project, text):
    path = project / behaviour_versions.FILE
    path.write_text(text)
    if not text:
        path.unlink()
    with pytest.raises(behaviour_versions.BehaviourError, match="curate init --update"):
        behaviour_versions.check(project)
    assert repository.behaviour(project).fix.startswith("curate init --update")
    assert CliRunner().invoke(app, ["init", "--update"]).exit_code == 0
    behaviour_versions.check(project)


@given(st.dictionaries(st.sampled_from([*VERSIONS, "gone", "old"]), st.integers(0, 99)))
def test_whatever_a_project_has_update_brings_it_to_the_library(tmp_path_factory, found):
    root = tmp_path_factory.mktemp("project")
    path = root / behaviour_versions.FILE
    path.parent.mkdir()
    path.write_text("".join(f"{stage}: {number}\n" for stage, number in found.items()) or "{}\n")
    differ = {one.stage for one in behaviour_versions.write(root)}
    assert differ == {name for name in {*found, *VERSIONS} if found.get(name) != VERSIONS.get(name)}
    assert behaviour_versions.read(root) == VERSIONS


def test_outside_of_a_project_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["init", "--update"]).exit_code == 1
    assert list(tmp_path.iterdir()) == []
