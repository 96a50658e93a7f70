"""Tables and models of another revision, read from git and DVC without touching the workspace."""

from pathlib import Path

import pandas as pd
import pytest
from factories import tables as made
from factories.projects import Repository

from curation import tables
from curation.project import Project, RevisionError


@pytest.fixture(scope="module")
def two_texts(tmp_path_factory):
    """Two revisions of a file that DVC tracks and of one that git does."""
    one = Repository.start(tmp_path_factory.mktemp("texts"))
    for text in ("old", "new"):
        one.write({"data/table.txt": text, "plain.txt": text})
        one.run("dvc", "add", "-q", "data/table.txt")
        one.commit(text)
    return one.root


@pytest.fixture
def repository(two_texts, monkeypatch):
    """A folder with two revisions, in which the tests work but change nothing."""
    monkeypatch.chdir(two_texts)
    return two_texts


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


def committed(folder, frame, table):
    """A repository with a table as an earlier version of curation wrote it, whatever the present schema says."""
    one = Repository.start(folder)
    path = Path(f"data/{table.name}.parquet")
    (folder / path).parent.mkdir()
    frame.to_parquet(folder / path, index=False)
    one.run("dvc", "add", "-q", path)
    one.commit(table.name)
    return Project(folder).at("HEAD")


@pytest.mark.filterwarnings("default")
def test_codes_of_earlier_versions_have_their_present_names(tmp_path):
    bases = ["draw", "twin", "lineage"]
    splits = made.splits([{"image_id": str(n)} for n in range(3)]).assign(basis=bases, reason_code="drawn")
    found = committed(tmp_path, splits, tables.SPLITS).table(tables.SPLITS)
    assert found["basis"].tolist() == ["hash_bucket", "lineage_of_copy", "lineage"]
    assert set(found["reason_code"]) == {"hash_bucket"}


@pytest.mark.filterwarnings("default")
def test_columns_of_earlier_versions_have_their_present_names(tmp_path):
    old = {"image_id": ["a"], "known_twin": ["b"], "out_of_scope": [0.5]}
    before = committed(tmp_path, pd.DataFrame(old), tables.IDENTIFIED)
    named = before.table(tables.IDENTIFIED, ["image_id", "ood_score", "near_duplicate_of"])
    assert named.to_dict("records") == [{"image_id": "a", "ood_score": 0.5, "near_duplicate_of": "b"}]


@pytest.mark.filterwarnings("default")
def test_a_column_that_an_earlier_version_did_not_write_is_named(tmp_path):
    before = committed(tmp_path, pd.DataFrame({"image_id": ["a"], "reason": ["odd"]}), tables.SELECTION)
    with pytest.raises(
        RevisionError, match=r"no column `reason_code`, because an earlier version of curation wrote it"
    ):
        before.table(tables.SELECTION, ["image_id", "reason_code", "reason"])


def test_a_stage_named_to_pull_brings_its_table_without_what_it_was_made_from(whole, tmp_path):
    ours = Repository(whole.root)
    ours.run("dvc", "remote", "add", "-q", "-d", "store", tmp_path / "store")
    ours.run("dvc", "push", "-q")
    ours.commit("a remote")
    ours.run("git", "clone", "-q", ours.root, tmp_path / "clone")
    Repository(tmp_path / "clone").run("dvc", "pull", "-q", "copy")
    clone = Project(tmp_path / "clone")
    assert list(clone.table(tables.SPLITS)["label"]) == ["cat", "dog"]
    assert not (clone.root / "prepared.parquet").exists()
