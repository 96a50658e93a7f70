"""Tables and models of another revision, read from git and DVC without touching the workspace."""

import subprocess
import sys
from pathlib import Path

import pytest

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
