"""A made-up round for the tests of evaluation: tables and scores of blobs, without images or a network."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from curation import tables
from curation.predict.score_store import Scored

CLASSES = ["ape", "bear", "cat", "dog"]
SPLIT_SHARES = {"train": 0.6, "val": 0.15, "test": 0.15, "benchmark": 0.1}


def image_id(number):
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


def make_round(count=400, *, seed=0, classes=CLASSES, spread=1.6, flip=0.0):
    """Tables (images, duplicates, splits), scores of the candidate and of a worse base, and the true labels."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(len(classes), size=count)
    centres = np.random.default_rng(123).normal(size=(len(classes), 12)) * 2
    vectors = centres[truth] + rng.normal(size=(count, 12)) * spread
    flipped = rng.random(count) < flip
    given = np.where(flipped, (truth + rng.integers(1, len(classes), size=count)) % len(classes), truth)
    ids = [image_id(number) for number in range(count)]
    splits = pd.DataFrame(
        {
            "image_id": ids,
            "label": np.asarray(classes, object)[given],
            "subclass": rng.choice(["", "young"], size=count),
            "origin": "real",
            "leak_group": [f"g{number}" for number in range(count)],
            "split": rng.choice(list(SPLIT_SHARES), size=count, p=list(SPLIT_SHARES.values())),
            "benchmark_set": "",
            "fold": -1,
            "basis": "hash_bucket",
            "reason_code": "hash_bucket",
            "reason": "its hash bucket gives this split",
            "turn": 0,
            "small": False,
        }
    )
    splits.loc[splits.split == "benchmark", "benchmark_set"] = "frozen"
    order = np.argsort(ids)
    splits = splits.iloc[order].reset_index(drop=True)
    logits = (vectors @ centres.T - (centres**2).sum(1) / 2)[order].astype(np.float32) / spread**2
    noisy = logits + rng.normal(size=logits.shape).astype(np.float32) * 2
    scored = Scored(splits.image_id.tolist(), list(classes), logits, vectors[order].astype(np.float16))
    base = Scored(splits.image_id.tolist(), list(classes), noisy, vectors[order].astype(np.float16))
    return splits, scored, base, np.asarray(classes, object)[truth][order]


def images_of(splits, seed=0):
    rng = np.random.default_rng(seed)
    count = len(splits)
    frame = pd.DataFrame({name: [""] * count for name in tables.IMAGES.columns})
    frame["image_id"], frame["label"] = splits.image_id, splits.label
    frame["path"] = [f"data/raw/{label}/{number}.png" for number, label in enumerate(splits.label)]
    frame["source"], frame["origin"], frame["format"] = "raw", splits.origin, "PNG"
    frame["copy_paths"] = frame["copy_labels"] = [[] for _ in range(count)]
    frame["hash"] = frame["thumbnail"] = [b"" for _ in range(count)]
    frame["bytes"], frame["width"], frame["height"] = 1000, 32, 32
    for name in ("hash_quality", "blur", "brightness", "contrast"):
        frame[name] = rng.random(count)
    return frame


def duplicates_of(splits):
    ids = splits.image_id
    return pd.DataFrame(
        {
            "image_id": ids,
            "keeper": ids,
            "distance": 0,
            "similarity": 1.0,
            "orientation": 0,
            "leak_group": splits.leak_group,
            "conflict": "",
            "relation": "",
            "same_pixels": False,
            "scene": splits.leak_group,
            "marked_copy_of": "",
        }
    )


class Round:
    """What the tests ask for: `make_round`, `images_of`, `duplicates_of`."""

    make = staticmethod(make_round)
    images = staticmethod(images_of)
    duplicates = staticmethod(duplicates_of)


@pytest.fixture
def rounds():
    return Round


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch):
    monkeypatch.setattr("curation.evaluation.label_errors.pred_probs.TREES", 12)
