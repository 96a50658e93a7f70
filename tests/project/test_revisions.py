"""Tables and models of another revision, read from git and DVC without touching the workspace."""

import subprocess
import sys
from pathlib import Path

import pytest

from curation import tables
from curation.project import Project, RevisionError


def sh(*words):
    subprocess.run(words, check=True, capture_output=True, timeout=60)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Two revisions of a file that DVC tracks and of one that git does."""
    monkeypatch.chdir(tmp_path)
    sh("git", "init", "-q")
    sh(sys.executable, "-m", "dvc", "init", "-q")
    for text in ("old", "new"):
        Path("data").mkdir(exist_ok=True)
        Path("data/table.txt").write_text(text)
        Path("plain.txt").write_text(text)
        sh(sys.executable, "-m", "dvc", "add", "-q", "data/table.txt")
        sh("git", "add", ".")
        sh("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", text)
    return tmp_path


@pytest.mark.filterwarnings("default")  # dvc's own
def test_files_of_another_revision_are_fetched_and_the_workspace_stays(repository):
    before = Project(repository).at("HEAD~1")
    assert before.file("data/table.txt").read_text() == "old"
    assert before.file("plain.txt").read_text() == "old"
    assert Path("data/table.txt").read_text() == "new"
    assert Project(repository).at("HEAD~1").file("plain.txt") == before.file("plain.txt")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("path", "revision"), [("plain.txt", "no-such"), ("data/none.txt", "HEAD")])
def test_what_is_not_there_is_one_clear_error(repository, path, revision):
    with pytest.raises(RevisionError, match=revision):
        Project(repository).at(revision).file(path)


def run(folder, *words):
    subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=60)


def dvc(folder, *words):
    run(folder, sys.executable, "-m", "dvc", *words, "-q")


def test_a_stage_named_to_pull_brings_its_table_without_what_it_was_made_from(whole, tmp_path):
    dvc(whole.root, "remote", "add", "-d", "store", str(tmp_path / "store"))
    dvc(whole.root, "push")
    run(whole.root, "git", "commit", "-qam", "a remote")
    run(tmp_path, "git", "clone", "-q", str(whole.root), "clone")
    clone = Project(tmp_path / "clone")
    dvc(clone.root, "pull", "copy")
    assert list(clone.table(tables.SPLITS)["label"]) == ["cat", "dog"]
    assert not (clone.root / "prepared.parquet").exists()
