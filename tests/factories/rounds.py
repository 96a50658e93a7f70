"""A made-up round: tables and scores of blobs, one blob a class, without images or a network."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from curation.predict.score_store import Scored
from factories import tables

CLASSES = ("ape", "bear", "cat", "dog")
SPLIT_SHARES = {"train": 0.6, "val": 0.15, "test": 0.15, "benchmark": 0.1}
MEASURES = ("hash_quality", "blur", "brightness", "contrast")


def make(
    count: int = 400, *, seed: int = 0, classes: Sequence[str] = CLASSES, spread: float = 1.6, flip: float = 0.0
) -> tuple[pd.DataFrame, Scored, Scored, np.ndarray]:
    """SPLITS, the scores of a candidate and of a worse base, and the true labels; a share `flip` of labels is wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(len(classes), size=count)
    centres = np.random.default_rng(123).normal(size=(len(classes), 12)) * 2
    vectors = centres[truth] + rng.normal(size=(count, 12)) * spread
    flipped = rng.random(count) < flip
    given = np.where(flipped, (truth + rng.integers(1, len(classes), size=count)) % len(classes), truth)
    names = np.asarray(classes, object)
    rows = pd.DataFrame({"image_id": [tables.image_id(number) for number in range(count)], "label": names[given]})
    rows["subclass"] = rng.choice(["", "young"], size=count)
    rows["leak_group"] = [f"g{number}" for number in range(count)]
    rows["split"] = rng.choice(list(SPLIT_SHARES), size=count, p=list(SPLIT_SHARES.values()))
    rows["benchmark_set"] = np.where(rows["split"] == "benchmark", "frozen", "")
    order = np.argsort(rows["image_id"].to_numpy())
    splits = tables.splits(rows.iloc[order].reset_index(drop=True))
    logits = (vectors @ centres.T - (centres**2).sum(1) / 2)[order].astype(np.float32) / spread**2
    noisy = logits + rng.normal(size=logits.shape).astype(np.float32) * 2
    ids, embeddings = splits["image_id"].tolist(), vectors[order].astype(np.float16)
    scored, base = (Scored(ids, list(classes), one, embeddings) for one in (logits, noisy))
    return splits, scored, base, names[truth][order]


def images(splits: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """IMAGES of the rows of SPLITS."""
    rng = np.random.default_rng(seed)
    frame = splits[["image_id", "label", "origin"]].copy()
    frame["path"] = [f"data/raw/{label}/{number}.png" for number, label in enumerate(splits["label"])]
    return tables.images(frame.assign(**{name: rng.random(len(frame)) for name in MEASURES}))


def duplicates(splits: pd.DataFrame) -> pd.DataFrame:
    """DUPLICATES of the rows of SPLITS: no copies, and their leak groups."""
    leaks = dict(zip(splits["image_id"], splits["leak_group"], strict=True))
    return tables.duplicates(splits, leaks=leaks)
