"""Baselines: what simple methods reach on the same test images. A useful model beats all of them.

There are three:

- the majority class;
- the nearest neighbour among the embeddings of the base model;
- logistic regression on pixels averaged to 8 x 8.

At most 20,000 train and 5,000 test images are used, chosen by the seed, so that the cost is bounded.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.evaluation.neighbours import nearest, unit
from curation.predict.score_store import PixelStore
from curation.tables.codes import Split

MOST_TRAIN = 20_000
MOST_TEST = 5_000
EDGE = 8
Embed = Callable[[NDArray[np.int64]], NDArray[np.float16]]


def baselines(
    splits: pd.DataFrame, counted: NDArray[np.bool_], embed: Embed, pixels: PixelStore, seed: int
) -> dict[str, float]:
    """Accuracy of each baseline on test; empty without train or test images.

    counted: bool [rows of `splits`], the test images that count.
    embed: returns the base model's embeddings [n, d] of rows [n] of `splits`; it is called once.
    """
    train = _some(np.flatnonzero((splits["split"] == Split.TRAIN).to_numpy()), MOST_TRAIN, seed)
    test = _some(np.flatnonzero(counted), MOST_TEST, seed)
    labels = splits["label"].to_numpy(dtype=object)
    if not len(train) or not len(test):
        return {}
    names, counts = np.unique(labels[train].astype(str), return_counts=True)
    out = {"majority": float((labels[test] == names[counts.argmax()]).mean())}
    out["nearest_neighbour"] = _neighbour(embed(np.concatenate([train, test])), train, test, labels)
    out["pixels"] = _pixels(pixels, splits["image_id"], train, test, labels)
    return out


def _some(rows: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _neighbour(
    embeddings: NDArray[np.float16], train: NDArray[np.int64], test: NDArray[np.int64], labels: NDArray[Any]
) -> float:
    known, queries = unit(embeddings[: len(train)]), unit(embeddings[len(train) :])
    found = nearest(queries, known, 1).rows[:, 0]
    return float((labels[train][found] == labels[test]).mean())


def _pixels(
    pixels: PixelStore, ids: pd.Series, train: NDArray[np.int64], test: NDArray[np.int64], labels: NDArray[Any]
) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    if len(set(labels[train])) < 2:
        return float("nan")
    learn, check = (shrunk(pixels, ids.iloc[rows].tolist()) for rows in (train, test))
    scaler = StandardScaler().fit(learn)
    # lbfgs is deterministic. A loose tolerance is enough for a baseline.
    model = LogisticRegression(C=0.1, max_iter=200, tol=1e-2).fit(scaler.transform(learn), labels[train].astype(str))
    return float((model.predict(scaler.transform(check)) == labels[test].astype(str)).mean())


def shrunk(pixels: PixelStore, ids: list[str], block: int = 512) -> NDArray[np.float32]:
    """Pixels averaged to 8 x 8 and three colours, float32 [n, 192] in 0..1."""
    parts = [_small(pixels.batch(pixels.rows(ids[start : start + block]))) for start in range(0, len(ids), block)]
    return np.concatenate(parts)


def _small(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
    size = batch.shape[1]
    edges = np.linspace(0, size, EDGE, endpoint=False).astype(int)
    wide = np.add.reduceat(np.add.reduceat(batch.astype(np.float32), edges, axis=1), edges, axis=2)
    spans = np.diff(np.append(edges, size)).astype(np.float32)
    area = spans[:, None, None] * spans[None, :, None] * 255
    return np.asarray((wide / area).reshape(len(batch), -1), np.float32)
