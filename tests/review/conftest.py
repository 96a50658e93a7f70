"""A small review project on real files (digits), and FiftyOne in this process on the session's own mongod."""

import os
import warnings
from importlib import import_module

import pandas as pd
import pytest
from factories.review_project import make_project


@pytest.fixture(scope="session")
def fo(fiftyone_env):
    """The module fiftyone; imported once, with its own environment and without its deprecation warnings."""
    before = dict(os.environ)
    os.environ.update({key: value for key, value in fiftyone_env.items() if before.get(key) != value})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from curation.review.database import connect

        module = connect()
        import_module("fiftyone.brain")
        import_module("fiftyone.plugins")
    os.environ["HOME"] = before.get("HOME", "/")
    yield module
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def digits_project():
    """Make a project on disk: `digits_project(root, number)`."""
    return make_project


@pytest.fixture
def project(tmp_path):
    """A folder with 40 digits as PNG files and the tables that the stages before review would have written."""
    return make_project(tmp_path / "project", 40)


@pytest.fixture
def small(fo, tmp_path):
    """A pushed dataset of six images without files, in a project whose log is empty."""
    from curation.review.push import push_rows

    root = tmp_path / "small"
    (root / "data").mkdir(parents=True)
    rows = pd.DataFrame(
        {
            "image_id": [f"{number:032x}" for number in range(6)],
            "path": [f"data/raw/{number}.png" for number in range(6)],
            "label": ["cat", "cat", "dog", "dog", "fox", "fox"],
            "predicted": ["dog", "cat", "cat", "dog", "dog", "fox"],
            "suggested": ["dog", "cat", "unknown", "dog", "", "fox"],
            "nearest_correct": [[f"{number:032x}"] for number in (5, 5, 4, 4, 3, 3)],
        }
    )
    info = {
        "curation_model": "model-1",
        "curation_classes": ["cat", "dog", "fox"],
    }
    pushed = push_rows(fo, "small", rows, root, info)
    yield fo.load_dataset(pushed.dataset)
    fo.delete_dataset(pushed.dataset)
