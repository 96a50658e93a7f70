"""A promotion or rollback happens whole or not at all, wherever the project lies, and never without being asked."""

import json

import pytest
from factories.full_disks import full_everywhere, may_mount
from factories.kills import killed_everywhere
from typer.testing import CliRunner

from curation.cli.main import app
from curation.evaluation.comparison.compare_rounds import compare, read_revision
from curation.files.journal import Journal
from curation.files.steps import Append, Write
from curation.project import Project
from curation.project.places import ProjectError
from curation.registry import register
from curation.registry.promote import Choice, PromotionRefusedError, promote, rollback
from curation.registry.versions import read_log

pytestmark = pytest.mark.pipeline
LABELS = ["cat", "cat", "dog", "dog"]
PROMOTE = """
import dvc.repo, dvc_data.hashfile.hash_info, gto.constants, dvc_objects.fs.generic
from curation.project import Project
from curation.registry.gate_check import PromotionRefusedError
from curation.registry.promote import Choice, promote
try:
    promote(Project(root), Choice())
except PromotionRefusedError as error:
    assert "production already" in str(error)
"""
ROLL_BACK = """
import dvc.repo, dvc_data.hashfile.hash_info, gto.constants, dvc_objects.fs.generic
from curation.project import Project
from curation.registry.promote import Choice, rollback
from curation.registry.versions import VersionError
try:
    rollback(Project(root), "v1.0.0", Choice())
except VersionError as error:
    assert "production already" in str(error)
"""


def files(project):
    """The bytes of every file that is no cache, by its path."""
    found = (path for path in project.root.rglob("*") if path.is_file())
    names = {path: path.relative_to(project.root).as_posix() for path in found}
    return {
        name: path.read_bytes() for path, name in names.items() if not name.startswith((".git/", ".dvc/", ".cache"))
    }


def right(project, base=""):
    return project.predictions(LABELS, LABELS, [base] * 4)


def test_a_model_that_was_rolled_back_comes_back_only_by_force_and_with_a_reason(project):
    project.round(right(project))
    here = Project(project.root)
    promote(here, Choice())
    project.round(right(project, "cat"), weight=1.0)
    promote(here, Choice())
    rollback(here, None, Choice(reason="dogs are taken for wolves"))
    with pytest.raises(PromotionRefusedError, match=r"v1\.0\.1, until v1\.0\.0 .*wolves.*\n.*--force --reason"):
        promote(here, Choice())
    with pytest.raises(PromotionRefusedError, match="reason"):
        promote(here, Choice(force=True))
    done = promote(here, Choice(force=True, reason="it was the camera"))
    assert done.entry.version == "v1.0.2"
    assert "was production before, as v1.0.1" in here.model_card.read_text()


def test_a_model_without_a_threshold_is_promoted_and_its_card_says_so(project):
    project.round(right(project), commit=False)
    metrics = {"test": {"images": 4, "accuracy": 0.5}, "out_of_scope": {"other": {"images": 7, "auc_energy": 0.5}}}
    Project(project.root).metrics.write_text(json.dumps(metrics))
    project.commit("round")
    promote(Project(project.root), Choice())
    assert "no threshold that could refuse its 7 images" in Project(project.root).model_card.read_text()


def failing(step, kind):
    """The method `do` of a kind of step, which fails at its `step`-th call."""
    left, real = [step], kind.do

    def run(self, root):
        left[0] -= 1
        if left[0] == 0:
            raise OSError(28, "No space left on device", self.path)
        real(self, root)

    return run


@pytest.mark.parametrize(("kind", "step"), [(Append, 1), (Write, 1), (Write, 4), (Write, 7)])
def test_an_error_after_the_first_change_puts_every_file_back(project, monkeypatch, kind, step):
    project.round(right(project))
    here = Project(project.root)
    promote(here, Choice())
    project.round(right(project, "cat"), weight=1.0)
    before = files(project)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "do", failing(step, kind))
        with pytest.raises(OSError, match="No space"):
            promote(here, Choice())
    assert files(project) == before
    assert promote(here, Choice()).entry.version == "v1.0.1"


@pytest.mark.parametrize(("kind", "step"), [(Append, 1), (Write, 2)])
def test_an_error_in_the_middle_of_a_rollback_puts_every_file_back(project, monkeypatch, kind, step):
    here = Project(project.root)
    for weight, base in ((0.0, ""), (1.0, "cat")):
        project.round(right(project, base), weight=weight)
        promote(here, Choice())
    before = files(project)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "do", failing(step, kind))
        with pytest.raises(OSError, match="No space"):
            rollback(here, None, Choice())
    assert files(project) == before
    assert rollback(here, None, Choice()).entry.version == "v1.0.0"


def test_a_rollback_to_bytes_that_are_gone_changes_nothing(project):
    project.round(right(project))
    here = Project(project.root)
    first = promote(here, Choice()).entry.md5
    project.round(right(project, "cat"), weight=1.0)
    promote(here, Choice())
    (project.root / ".dvc/cache/files/md5" / first[:2] / first[2:]).unlink()
    before = files(project)
    with pytest.raises(ProjectError, match="pull"):
        rollback(here, None, Choice())
    assert files(project) == before


def test_a_promotion_or_rollback_killed_anywhere_ends_before_or_after_with_its_commit_and_tag(project, tmp_path):
    project.round(right(project))
    promote(Project(project.root), Choice())
    project.round(right(project, "cat"), weight=1.0)
    for name, act in (("promote", PROMOTE), ("rollback", ROLL_BACK)):
        (tmp_path / name).mkdir()
        found = killed_everywhere(project.root, tmp_path / name, act, every=7)
        assert found["wrong"] == []
        assert found["kills"] > 10
        promote(Project(project.root), Choice()) if name == "promote" else None


def test_a_command_that_was_interrupted_and_is_run_again_does_its_work_once(project, monkeypatch):
    here = Project(project.root)
    for weight, base in ((0.0, ""), (1.0, "cat"), (2.0, "cat")):
        project.round(right(project, base), weight=weight)
        promote(here, Choice())
    for wanted, command in (("v1.0.1", "rollback"), ("v1.0.3", "promote")):
        if command == "promote":
            project.round(right(project, "cat"), weight=3.0)
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "_carry_out", lambda *_: None)
            patch.setattr(register, "notes", lambda *_, **__: [])
            rollback(here, None, Choice()) if command == "rollback" else promote(here, Choice())
        monkeypatch.chdir(project.root)
        done = CliRunner().invoke(app, [command, "--json"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["version"] == wanted
        assert f"An interrupted `curate {command}` was completed." in json.loads(done.stdout)["notes"][0]
        assert [entry.version for entry in read_log(here)][-1] == wanted
        assert project.run("git", "status", "--porcelain") == ""
    assert len(read_log(here)) == 5


def test_two_projects_of_one_repository_have_versions_and_tags_of_their_own(tmp_path, project):
    kind, top = type(project), tmp_path / "mono"
    top.mkdir()
    cats, dogs = (kind.begin(top / "apps" / name, top) for name in ("cats", "dogs"))
    for one in (cats, dogs):
        one.round(right(one))
    (dogs.root / "params.yaml").write_text((dogs.root / "params.yaml").read_text() + "# a change\n")
    done = promote(Project(cats.root), Choice())
    assert done.notes[0] == "Committed: Promote classifier v1.0.0"
    assert cats.run("git", "status", "--porcelain").split() == ["M", "apps/dogs/params.yaml"]
    named = cats.run("git", "show", "--name-only", "--format=", "HEAD").split()
    assert named
    assert all(name.startswith("apps/cats/") for name in named)
    assert read_log(Project(dogs.root)) == []
    promote(Project(dogs.root), Choice(commit=True))
    shown = cats.json("gto", "show", "--repo", top, "--json")
    assert {name: facts["stage"] for name, facts in shown.items()} == {
        "apps/cats:classifier": {"production": "v1.0.0"},
        "apps/dogs:classifier": {"production": "v1.0.0"},
    }
    found = compare(read_revision(Project(cats.root), "HEAD"), read_revision(Project(cats.root), "workspace"))
    assert found.sets["benchmark/frozen"].images == 4
    cats.round(right(cats, "cat"), weight=1.0)
    promote(Project(cats.root), Choice())
    rollback(Project(cats.root), None, Choice())
    tags = set(cats.run("git", "tag").split())
    assert {"apps/cats=classifier@v1.0.0", "apps/cats=classifier@v1.0.1", "apps/cats=classifier#production#3"} <= tags
    assert "apps/dogs=classifier#production#2" not in tags


def test_a_folder_that_gto_cannot_name_is_promoted_and_told_so(tmp_path, project):
    top = tmp_path / "mono"
    top.mkdir()
    one = type(project).begin(top / "my photos of 猫", top)
    one.round(right(one))
    done = promote(Project(one.root), Choice())
    assert done.notes[0].startswith("Committed")
    assert "No version tag was made" in done.notes[1]
    assert one.run("git", "tag") == ""


def test_without_git_the_model_is_promoted_and_no_tag_is_made(project):
    import shutil

    project.round(right(project))
    shutil.rmtree(project.root / ".git")
    project.run("dvc", "config", "--local", "core.no_scm", "true")
    done = promote(Project(project.root), Choice())
    assert done.notes == ["Not a git repository: no version tag was made."]


@pytest.mark.skipif(not may_mount(), reason="this process may not mount a disk")
def test_on_a_full_disk_a_promotion_or_rollback_changes_nothing_and_succeeds_with_space(project):
    project.round(right(project))
    promote(Project(project.root), Choice())
    project.round(right(project, "cat"), weight=1.0)
    warm = PROMOTE.splitlines()[1]
    for name in ("promote", "rollback"):
        found = full_everywhere(project.root, f"{warm}\nfrom curation.cli.main import app\napp(['{name}'])", pages=2)
        assert found["wrong"] == []
        assert found["refused"] >= 4
        promote(Project(project.root), Choice()) if name == "promote" else None
