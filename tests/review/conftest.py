"""A small review project on real files (digits), and FiftyOne in this process on the session's own mongod."""

import os
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from curation import tables


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


@dataclass(frozen=True)
class Project:
    """Its folder and the tables in it."""

    root: Path
    images: pd.DataFrame
    predictions: pd.DataFrame
    errors: pd.DataFrame


def make_project(root: Path, number: int) -> Project:
    """Write `number` digits and their tables under `root`; three quarters of them are in the queue."""
    images = _images(root, number)
    predictions = _predictions(images)
    errors = _errors(images, predictions)
    for frame, table in ((images, tables.IMAGES), (predictions, tables.PREDICTIONS), (errors, tables.ERRORS)):
        tables.write(frame, root / "data" / f"{table.name}.parquet", table)
    (root / "data" / "reviews.csv").write_text("image_id,decision,label,subclass,reviewer,decided_at,model,note\n")
    (root / "params.yaml").write_text("review:\n  dataset: digits\n")
    (root / "dvc.yaml").touch()
    return Project(root, images, predictions, errors)


def _images(root: Path, number: int) -> pd.DataFrame:
    from hashlib import md5

    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    rows = []
    for place in range(number):
        label = f"digit {digits.target[place]}"
        path = root / "data" / "raw" / label / f"{place:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[place] * 15.9).astype(np.uint8)).resize((64, 64), Image.Resampling.NEAREST).save(
            path
        )
        image_id = md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        rows.append({"image_id": image_id, "path": path.relative_to(root).as_posix(), "label": label, "place": place})
    frame = pd.DataFrame(rows).assign(source="raw", origin="real", width=64, height=64)
    return fill(frame.drop(columns="place"), tables.IMAGES)


def _predictions(images: pd.DataFrame) -> pd.DataFrame:
    number = len(images)
    rng = np.random.default_rng(0)
    frame = images[["image_id", "label"]].assign(split=np.where(np.arange(number) % 3, "train", "test"))
    wrong = np.arange(number) % 4 < 2
    frame["predicted"] = np.where(wrong, np.roll(frame["label"], 1), frame["label"])
    frame["confidence"] = rng.uniform(0.3, 1, number).astype(np.float32)
    frame["embedding"] = [rng.normal(size=16).astype("<f2").tobytes() for _ in range(number)]
    return fill(frame, tables.PREDICTIONS)


def _errors(images: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    number = len(images) * 3 // 4
    kinds = np.array(["error", "doubt", "label error", "conflict", "out of scope"])
    frame = images.head(number)[["image_id", "path", "label"]].copy()
    first = predictions.head(number)
    frame[["split", "predicted", "confidence"]] = first[["split", "predicted", "confidence"]].to_numpy()
    frame["confidence"] = frame["confidence"].astype(float)
    frame["suggested"] = frame["predicted"]
    frame["kind"] = kinds[np.arange(number) % 5]
    frame["label_error"] = np.linspace(1, 0, number)
    frame["cluster"] = np.arange(number) % 3 - 1
    frame["explanation"] = [f"cluster {c}: look-alikes" if c >= 0 else "" for c in frame["cluster"]]
    frame["rank"] = np.arange(number)
    frame["map_x"] = frame["map_y"] = np.linspace(0, 1, number)
    frame["nearest_correct"] = [list(images["image_id"].tail(2))] * number
    return fill(frame, tables.ERRORS)


def fill(frame: pd.DataFrame, table: tables.Table) -> pd.DataFrame:
    """Give a frame the columns of `table` it does not have yet, empty."""
    empty = {"string": "", "binary": b"", "bool": False, "float": 0.0, "int16": 0, "int32": 0, "int64": 0}
    for name, kind in zip(table.schema.names, table.schema.types, strict=True):
        if name not in frame:
            text = str(kind)
            frame[name] = [[] for _ in range(len(frame))] if text.startswith("list") else empty[text]
    return frame[table.columns]


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
