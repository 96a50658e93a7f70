"""Real projects with git and DVC: one that is a whole repository, and two that share one as folders of it."""

import shutil
import subprocess
import sys
from pathlib import Path

import factories.tables
import pytest

from curation import tables
from curation.project import Project

PIPELINE = """
stages:
  copy:
    cmd: cp prepared.parquet data/splits.parquet
    deps: [prepared.parquet]
    outs: [data/splits.parquet]
artifacts:
  classifier:
    path: models/production.safetensors
    type: model
"""
FOLDERS = ("apps/photos of 猫", "apps/other")


def run(folder, *words):
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def dvc(folder, *words):
    return run(folder, sys.executable, "-m", "dvc", *words, "-q")


def splits(*labels):
    """SPLITS with one image of each label."""
    return factories.tables.splits(
        [{"image_id": f"{place:032x}", "label": label} for place, label in enumerate(labels)]
    )


def commit_round(project, *labels):
    """Run the pipeline on a table of these labels, and commit it."""
    tables.write(splits(*labels), project.root / "prepared.parquet", tables.SPLITS)
    project.params_file.write_text(f"seed: {len(labels)}\n")
    dvc(project.root, "repro")
    run(project.root, "git", "add", "-A")
    run(project.root, "git", "commit", "-q", "-m", f"a round of {len(labels)}")


def start(top, *folders):
    """A repository with a project in each of these folders, two rounds old."""
    top.mkdir(parents=True)
    run(top, "git", "init", "-q", "-b", "main")
    run(top, "git", "config", "user.name", "Ada")
    run(top, "git", "config", "user.email", "ada@example.org")
    for folder in folders:
        project = Project(top / folder)
        for place in (project.data, project.models):
            place.mkdir(parents=True)
        project.pipeline.write_text(PIPELINE)
        project.params_file.write_text("")
        (project.root / ".gitignore").write_text("prepared.parquet\n/.cache\n")
        dvc(project.root, "init", *(["--subdir"] if folder else []))
        commit_round(project, "cat")
        run(top, "git", "tag", f"first-{Path(folder).name.split()[0] if folder else 'whole'}")
        commit_round(project, "cat", "dog")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The two repositories, made once a session; take a copy of them by the fixtures below."""
    top = tmp_path_factory.mktemp("made")
    start(top / "whole", "")
    start(top / "mono", *FOLDERS)
    return top


@pytest.fixture
def whole(made, tmp_path):
    """A project that is a whole repository."""
    shutil.copytree(made / "whole", tmp_path / "whole", symlinks=True)
    return Project(tmp_path / "whole")


@pytest.fixture
def neighbours(made, tmp_path):
    """Two projects in one repository, the first in a path with a space and letters of another script."""
    shutil.copytree(made / "mono", tmp_path / "mono", symlinks=True)
    return [Project(tmp_path / "mono" / folder) for folder in FOLDERS]
