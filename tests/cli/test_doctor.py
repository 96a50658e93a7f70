"""`curate doctor`: what is broken is said, with the fix, and the exit code tells."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from factories.projects import start_git
from typer.testing import CliRunner

from curation.cli.checks import (
    DATA_CHECKS,
    LEFTOVER_CHECKS,
    MACHINE_CHECKS,
    REPOSITORY_CHECKS,
    State,
    data,
    leftovers,
    machine,
    repository,
    run_checks,
)
from curation.cli.main import app
from curation.files import whole
from curation.project import Project, behaviour_versions

HEADER = "image_id,decision,label,subclass,reviewer,decided_at,model,note\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project as a user has it: git, DVC, two classes, the optional folders."""
    monkeypatch.chdir(tmp_path)
    bin_folder = str(Path(sys.prefix) / "bin")
    monkeypatch.setenv("PATH", bin_folder + os.pathsep + os.environ["PATH"])
    for name in ("cat", "dog"):
        (tmp_path / "data/raw" / name).mkdir(parents=True)
        (tmp_path / "data/raw" / name / "1.jpg").write_bytes(name.encode())
    for name in ("unlabelled", "benchmark"):
        (tmp_path / "data" / name).mkdir()
    (tmp_path / "data/.collected").write_text("")
    (tmp_path / "data/reviews.csv").write_text(HEADER)
    (tmp_path / "params.yaml").write_text("lr: 0.1\n")
    for name in ("weights", "descriptors"):
        (tmp_path / "models" / name).mkdir(parents=True)
    behaviour_versions.write(tmp_path)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    remote = store\n['remote \"store\"']\n    url = /nowhere\n")
    start_git(tmp_path)
    subprocess.run(["git", "add", "params.yaml", "stages"], check=True)
    subprocess.run(["git", "commit", "-q", "-m", "start"], check=True)
    return tmp_path


def test_a_healthy_project_has_nothing_broken(project):
    found = {
        check.name: check
        for check in run_checks(project, (*MACHINE_CHECKS, *REPOSITORY_CHECKS, *DATA_CHECKS, *LEFTOVER_CHECKS))
    }
    assert not [check for check in found.values() if check.state is State.BROKEN]
    assert found["python"].state is State.OK
    assert found["dvc"].found == "remote store"
    assert found["classes"].found.startswith("2;")


def test_json_is_a_list_of_objects_and_the_exit_code_tells(project):
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert set(rows[0]) == {"name", "state", "found", "fix"}
    (project / "params.yaml").write_text("lr: fast\n")
    broken = CliRunner().invoke(app, ["doctor"])
    assert broken.exit_code == 1
    assert "BROKEN  params" in broken.output
    assert "`lr`" in broken.output


def test_whatever_is_not_ok_says_what_to_do(project):
    shutil.rmtree(project / "data")
    shutil.rmtree(project / ".dvc")
    (project / "params.yaml").unlink()
    shutil.rmtree(project / "stages")
    found = list(run_checks(project, (*REPOSITORY_CHECKS, *DATA_CHECKS)))
    assert all(check.fix for check in found if check.state is not State.OK)
    assert {check.name for check in found if check.state is State.BROKEN} == {
        *("dvc", "params", "behaviour", "folders", "classes", "decisions")
    }


def test_outside_of_a_project_only_the_machine_is_checked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = {row["name"]: row for row in json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)}
    assert rows["project"]["state"] == State.NOTE
    assert "change to a folder of your project" in rows["project"]["fix"]
    assert not {"git", "dvc", "params", "folders", "decisions"} & set(rows)


@pytest.mark.parametrize(
    ("harm", "question", "words"),
    [
        (lambda root: shutil.rmtree(root / "data/unlabelled"), data.folders, "mkdir -p data/unlabelled"),
        (lambda root: shutil.rmtree(root / "models/weights"), data.folders, "mkdir -p models/weights"),
        (lambda root: (root / behaviour_versions.FILE).unlink(), repository.behaviour, "curate init --update"),
        (lambda root: tracked_and_gone(root, "benchmark"), data.folders, "dvc checkout data/benchmark.dvc"),
        (lambda root: shutil.rmtree(root / "data/raw/dog"), data.classes, "two classes at least"),
        (lambda root: (root / "data/reviews.csv").unlink(), data.decisions, "git checkout data/reviews.csv"),
        (lambda root: (root / "data/reviews.csv").write_text(HEADER + "x,explode,,,,,,\n"), data.decisions, "fix that"),
        (
            lambda root: (root / "params.yaml").write_text("base_model: models/p.safetensors\n"),
            repository.params,
            "pull",
        ),
        (lambda root: (root / "params.yaml").write_text("learning_rate: 1\n"), repository.params, "fix that"),
        (lambda root: shutil.rmtree(root / ".git"), repository.git, "git init"),
    ],
)
def test_broken_things_are_named_with_their_fix(project, harm, question, words):
    assert question(project).state is State.OK
    harm(project)
    check = question(project)
    assert check.state is State.BROKEN
    assert words in check.fix


def tracked_and_gone(root, name):
    (root / f"data/{name}.dvc").write_text("outs: []\n")
    shutil.rmtree(root / "data" / name)


def test_many_files_are_noted_with_the_way_out(project, monkeypatch):
    monkeypatch.setattr(data, "MANY_FILES", 1)
    check = data.files(project)
    assert check.state is State.NOTE
    assert "dvc freeze ingest" in check.fix


def test_an_empty_class_and_new_code_are_notes(project):
    (project / "data/raw/cow").mkdir()
    assert data.classes(project).state is State.NOTE
    (project / "curation").mkdir()
    (project / "curation/new.py").write_text("")
    assert "git add curation/" in repository.git(project).fix


def test_without_a_remote_it_says_that_the_images_are_here_only(project):
    (project / ".dvc/config").write_text("[core]\n    analytics = false\n")
    assert "this machine only" in repository.dvc(project).found
    (project / ".dvc/config.local").write_text("['remote \"a\"']\n    url = /x\n")
    assert repository.dvc(project).fix == "dvc remote default a"


def test_links_are_found_by_trying(project):
    (project / ".dvc/config.local").write_text("[cache]\n    type = hardlink,symlink\n    dir = ../elsewhere/far\n")
    check = repository.links(project)
    assert check.found.startswith("hardlink")
    assert not list((project / ".dvc").glob("tmp*"))


def test_a_python_that_is_not_on_the_path_is_noted(project, monkeypatch):
    monkeypatch.setenv("PATH", str(project))
    assert "activate" in machine.python(project).fix


def test_a_full_disk_is_broken_before_it_fails(project, monkeypatch):
    monkeypatch.setattr(machine, "LITTLE_DISK", 2**60)
    assert machine.disk(project).state is State.BROKEN


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_broken(project):
    (project / "data").chmod(0o500)
    try:
        assert repository.writable(project).state is State.BROKEN
    finally:
        (project / "data").chmod(0o700)


def test_every_extra_that_a_user_may_want_is_looked_at():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert set(machine.OPTIONAL) == set(project["optional-dependencies"]) - {"bench", "dev"}


def test_a_folder_of_nearly_the_right_name_is_named_before_the_first_run(project):
    (project / "data/unlabeled").mkdir()
    found = data.folders(project)
    assert found.state is State.NOTE
    assert found.found == "data/unlabeled is not read: did you mean data/unlabelled?"
    shutil.move(project / "data/raw", project / "data/images")
    found = data.folders(project)
    assert found.state is State.BROKEN
    assert "data/images is not read: did you mean data/raw?" in found.found


def mended(*words):
    """What `curate doctor --mend` says on stderr that it did, and its rows by name."""
    done = CliRunner().invoke(app, ["doctor", "--mend", "--json", *words])
    return done.stderr, {row["name"]: row for row in json.loads(done.stdout)}


KILLED = """
import os, signal, sys
from pathlib import Path
from curation.files.journal import Journal
from curation.files import whole
from curation.project import Project
project = Project(Path(sys.argv[1]))
Journal._carry_out = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with project.journal.plan("promote") as plan:
    plan.write(project.file("models/production.md"), "a card")
    plan.write(project.file("models/production.json"), "{}")
"""


def killed(root, code=KILLED):
    run = subprocess.run([sys.executable, "-c", code, str(root)], check=False, timeout=120)
    assert run.returncode == -signal.SIGKILL


def test_an_interrupted_command_is_shown_and_completed_only_when_asked(project):
    killed(project)
    row = {row["name"]: row for row in json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)}["unfinished"]
    assert (row["state"], row["found"]) == ("broken", "`curate promote` was interrupted while it changed 2 files")
    assert not (project / "models/production.md").exists()
    assert leftovers.drafts(project).state is State.OK, "they belong to the journal"
    said, rows = mended()
    assert "mended: An interrupted `curate promote` was completed." in said
    assert rows["unfinished"]["state"] == rows["drafts"]["state"] == "ok"
    assert (project / "models/production.md").read_text() == "a card"


def test_the_next_command_completes_what_was_interrupted_and_says_so(project):
    (project / "dvc.yaml").write_text("stages: {}\n")
    killed(project)
    done = CliRunner().invoke(app, ["versions", "--json"])
    assert done.exit_code == 0
    assert done.stderr.splitlines()[0] == "An interrupted `curate promote` was completed."
    assert (project / "models/production.md").read_text() == "a card"


def test_a_journal_that_names_another_place_is_refused_and_shown(project):
    folder = Project(project).journal.folder
    folder.mkdir(parents=True)
    step = {"do": "move", "path": "params.yaml", "to": "../stolen"}
    (folder / "journal.json").write_text(json.dumps({"command": "promote", "steps": [step], "then": None}))
    check = leftovers.unfinished(project)
    assert check.state is State.BROKEN
    assert "outside of the project" in check.found
    said, _ = mended()
    assert "not mended: " in said
    assert (project / "params.yaml").exists()
    assert CliRunner().invoke(app, ["versions"]).exit_code == 0 or not (project.parent / "stolen").exists()


def test_drafts_of_killed_processes_are_removed_and_those_of_living_ones_stay(project):
    code = "import os, signal, sys\nfrom pathlib import Path\nfrom curation.files import whole\n"
    code += "with whole(Path(sys.argv[1]) / 'data/images.parquet'):\n    os.kill(os.getpid(), signal.SIGKILL)"
    killed(project, code)
    (project / "data/.link.new.partial").symlink_to(project / "params.yaml")
    assert "2 of killed processes" in leftovers.drafts(project).found
    with whole(project / "data/splits.parquet") as draft:
        said, rows = mended()
        assert draft.exists()
    assert "removed 2 drafts" in said
    assert rows["drafts"]["state"] == "ok"
    assert (project / "params.yaml").exists()


@pytest.mark.parametrize("text", ["", "{"])
def test_an_empty_rwlock_of_dvc_is_named_and_removed(project, text):
    (project / ".dvc/tmp").mkdir()
    (project / ".dvc/tmp/rwlock").write_text(text)
    check = leftovers.locks(project)
    assert check.state is State.BROKEN
    assert "every command of DVC stops on it" in check.found
    said, rows = mended()
    assert "removed .dvc/tmp/rwlock" in said
    assert rows["locks"]["state"] == "ok"


def test_a_lock_of_a_killed_git_is_removed_when_no_git_runs(project, monkeypatch):
    (project / ".git/index.lock").write_text("")
    monkeypatch.setattr(leftovers, "_git_runs", lambda: True)
    assert leftovers.locks(project).state is State.NOTE
    assert leftovers.remove_locks(project) == []
    monkeypatch.setattr(leftovers, "_git_runs", lambda: False)
    assert leftovers.locks(project).state is State.BROKEN
    mended()
    assert not (project / ".git/index.lock").exists()


def test_a_version_without_its_tag_is_tagged_on_the_commit_that_added_it(project):
    log = project / "models/versions.jsonl"
    facts = {"md5": "m", "size": 1, "calibration_md5": "c", "calibration_size": 1, "classes": [], "parent": ""}
    facts |= {"dataset": "", "git_revision": "", "time": "2026-01-01T00:00:00+00:00", "person": "A"}
    commits = []
    for version in ("v1.0.0", "v1.0.1"):
        with log.open("a") as file:
            file.write(json.dumps({"action": "promote", "version": version, **facts}) + "\n")
        assert f"no tag for {version}, because it is not committed" in leftovers.versions(project).found
        subprocess.run(["git", "add", "-A"], check=True)
        subprocess.run(["git", "commit", "-q", "-m", version], check=True)
        commits.append(Project(project).git.head())
        if version == "v1.0.0":
            leftovers.tag_versions(project)
    log.write_text(log.read_text())
    subprocess.run(["git", "tag", "-d", "classifier@v1.0.0"], check=True, capture_output=True)
    assert "no tag for v1.0.0, v1.0.1" in leftovers.versions(project).found
    said, rows = mended()
    assert "Tagged classifier@v1.0.1" in said
    assert rows["versions"]["state"] == "ok"
    git = Project(project).git
    assert [git.commit_of(f"classifier@{version}") for version in ("v1.0.0", "v1.0.1")] == commits
