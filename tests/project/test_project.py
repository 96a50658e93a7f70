"""A project is found from any folder in it, and read at any revision, wherever it lies in a git repository."""

import subprocess
import sys

import pytest
from factories.projects import Repository

from curation import tables
from curation.project import Project, ProjectError, RevisionError
from curation.project.locks import LockedError

HOLD = """
import sys, time
from pathlib import Path
from curation.project import Project
with Project(Path(sys.argv[1])).lock("x"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_find_walks_up_to_the_folder_with_both_files(tmp_path):
    inner = tmp_path / "repo" / "photos"
    deep = inner / "data" / "raw" / "a b" / "猫"
    deep.mkdir(parents=True)
    (tmp_path / "repo/dvc.yaml").write_text("")  # another pipeline, without params.yaml, is not a project
    for name in ("dvc.yaml", "params.yaml"):
        (inner / name).write_text("")
    for place in (inner, inner / "data", deep):
        assert Project.find(place).root == inner
    with pytest.raises(ProjectError, match="lies in no project"):
        Project.find(tmp_path / "repo")
    assert Project.find_or_here(tmp_path / "repo").root == tmp_path / "repo"


def test_a_path_is_named_from_the_root_wherever_it_is_typed(tmp_path, monkeypatch):
    project = Project(tmp_path)
    project.raw.mkdir(parents=True)
    (project.raw / "x.png").write_bytes(b"")
    monkeypatch.chdir(project.data)
    assert project.typed("raw/x.png") == project.typed(project.raw / "x.png") == "data/raw/x.png"
    assert project.typed("data/raw/x.png") == "data/raw/x.png"
    assert project.typed("raw/gone.png") == "data/raw/gone.png"
    assert project.relative("/elsewhere/x.png") == "/elsewhere/x.png"


def test_a_revision_is_read_as_the_working_tree_is(whole, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert list(whole.table(tables.SPLITS)["label"]) == ["cat", "dog"]
    before = whole.at("first-whole")
    assert list(before.table(tables.SPLITS, ["label"])["label"]) == ["cat"]
    assert (whole.params().seed, before.params().seed) == (2, 1)
    copy = before.file(whole.table_path(tables.SPLITS))
    assert copy.is_relative_to(whole.caches)
    assert copy.read_bytes() == before.read(whole.table_path(tables.SPLITS)) == before.read("data/splits.parquet")
    assert before.has("data/splits.parquet")
    assert not before.has("data/errors.parquet")


def test_a_folder_of_a_repository_is_read_at_its_own_revisions(neighbours, monkeypatch):
    first, second = neighbours
    monkeypatch.chdir(first.data)
    assert list(Project.find().at("first-photos").table(tables.SPLITS, ["label"])["label"]) == ["cat"]
    assert second.at("first-other").params().seed == 1
    assert second.at("HEAD").params().seed == 2
    with pytest.raises(RevisionError, match=r"params\.yaml of revision `first-photos`"):
        second.at("first-photos").params()


def test_what_a_revision_lacks_is_named(whole):
    with pytest.raises(RevisionError, match="no revision `nothing`"):
        whole.at("nothing")
    with pytest.raises(RevisionError, match=r"data/errors\.parquet of revision `HEAD` can't be read"):
        whole.at("HEAD").table(tables.ERRORS)


def test_without_git_a_revision_is_refused_and_the_rest_works(tmp_path):
    project = Project(tmp_path)
    assert (project.git.exists, project.git.head(), project.git.changed()) == (False, "", [])
    with pytest.raises(RevisionError, match="no git and DVC repository"):
        project.at("HEAD")


def test_a_worktree_reads_revisions(neighbours, tmp_path):
    first, _ = neighbours
    Repository(first.root).run("git", "worktree", "add", "-q", tmp_path / "tree", "-b", "side")
    there = Project(tmp_path / "tree" / first.git.prefix)
    assert there.git.top == tmp_path / "tree"
    assert there.at("first-photos").params().seed == 1


def test_changes_are_named_from_the_project_and_only_its_own(neighbours):
    first, second = neighbours
    for project in neighbours:
        project.params_file.write_text("seed: 9\n")
    (first.root / "new file").write_text("not tracked")
    assert first.git.changed() == second.git.changed() == ["params.yaml"]
    assert first.git.commit("only mine", ["params.yaml"]) == ""
    assert (first.git.changed(), second.git.changed()) == ([], ["params.yaml"])
    assert first.git.prefix == "apps/photos of 猫"


def test_a_lock_keeps_a_second_process_out_until_the_first_ends(tmp_path):
    project = Project(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=r"x\.lock"), project.lock("x", wait=False):
            pass
        holder.kill()
    with project.lock("x", wait=False):
        pass


def test_a_typed_path_may_lead_up(tmp_path, monkeypatch):
    (tmp_path / "data/raw/cat/sub").mkdir(parents=True)
    (tmp_path / "data/raw/cat/a.jpg").touch()
    monkeypatch.chdir(tmp_path / "data/raw/cat/sub")
    assert Project(tmp_path).typed("../a.jpg") == "data/raw/cat/a.jpg"
