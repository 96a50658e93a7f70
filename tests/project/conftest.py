"""Real projects with git and DVC: one that is a whole repository, and two that share one as folders of it."""

import shutil

import factories.tables
import pytest
from factories.projects import Repository

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
FOLDERS = {"apps/photos of 猫": "first-photos", "apps/other": "first-other"}
IGNORED = "prepared.parquet\n/.cache\n"


def splits(*labels):
    """SPLITS with one image of each label."""
    return factories.tables.splits(
        [{"image_id": f"{place:032x}", "label": label} for place, label in enumerate(labels)]
    )


def commit_round(one, *labels):
    """Run the pipeline on a table of these labels, and commit it."""
    tables.write(splits(*labels), one.root / "prepared.parquet", tables.SPLITS)
    one.write({"params.yaml": f"seed: {len(labels)}\n"})
    one.run("dvc", "repro", "-q")
    one.commit(f"a round of {len(labels)}")


def start(root, tag, top=None):
    """A project of two rounds, the first of which has a tag."""
    one = Repository.start(root, {"dvc.yaml": PIPELINE, "params.yaml": "", ".gitignore": IGNORED}, top)
    for folder in ("data", "models"):
        (root / folder).mkdir()
    commit_round(one, "cat")
    one.run("git", "tag", tag)
    commit_round(one, "cat", "dog")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The two repositories, made once a session; take a copy of them by the fixtures below."""
    top = tmp_path_factory.mktemp("made")
    start(top / "whole", "first-whole")
    for folder, tag in FOLDERS.items():
        start(top / "mono" / folder, tag, top / "mono")
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
