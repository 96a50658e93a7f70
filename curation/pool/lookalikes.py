"""What looks like a class and is unlike its images: another class that nobody has named yet, perhaps.

A class that is missing from training is no outlier: it sits close to a known one, where the model is often sure. But
its images crowd together where the pool is dense and the training images are not. So images are ranked by the ratio of
two distances, to the nearest known images and to the nearest other look-alikes: a nearest-neighbour estimate of the
density ratio (Loftsgaarden & Quesenberry, 1965), as in novelty detection by two-sample comparison. On Fashion-MNIST it
finds a hidden class three times better than confidence does.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from curation.pool.questions import guesses, readable
from curation.predict.ood import Reals, unpack

NEIGHBOURS = 30
LEAST_GUESS = 0.2  # a second guess at least that likely counts as near
KNOWN = ("train", "val", "test", "reserve")
MOST_KNOWN = 20_000
MOST_NEAR = 20_000
GROUP_SIZE = 25
MOST_GROUPS = 12
BLOCK = 2_048


def lookalikes(table: pd.DataFrame, predictions: pd.DataFrame, label: str, max_conf: float = 1.0) -> pd.DataFrame:
    """Rank the images that the model takes, or nearly takes, for `label` by how unlike known images they are.

    Adds `unlike` (log ratio of distances; above 0 the image is nearer to other look-alikes than to known images) and
    `group`, by embedding; the group of the first row is 1. `predictions` are the PREDICTIONS of the model that made
    `table`.
    """
    near = near_class(readable(table), label, max_conf)
    if len(near) < 2:
        return near.assign(unlike=np.zeros(len(near)), group=np.ones(len(near), dtype=int))
    vectors = unpack(near.embedding)
    known = predictions[predictions.split.isin(KNOWN)].sort_values("image_id").head(MOST_KNOWN)
    ranked = near.assign(unlike=unlikeness(vectors, unpack(known.embedding)), group=groups(vectors))
    ranked = ranked.sort_values(["unlike", "image_id"], ascending=[False, True], ignore_index=True)
    return ranked.assign(group=pd.factorize(ranked.group)[0] + 1)


def near_class(table: pd.DataFrame, label: str, max_conf: float) -> pd.DataFrame:
    """Images with `label` as first guess, or as another of at least 0.2, no guess above `max_conf`; one of twins."""
    likely = guesses(table)
    likely = likely[(likely.label == label) & (likely.confidence >= LEAST_GUESS)]
    chosen = table[
        ((table.label == label) | table.image_id.isin(set(likely.image_id))) & (table.confidence <= max_conf)
    ]
    chosen = chosen[chosen.known_twin == ""].sort_values("image_id").drop_duplicates("leak_group")
    return chosen.head(MOST_NEAR)


def unlikeness(vectors: Reals, known: Reals) -> npt.NDArray[np.float64]:
    """Log of the mean cosine distance [n] to the nearest known images over that to the nearest other vectors."""
    count = int(np.clip(len(vectors) // 10, 1, NEIGHBOURS))
    others = _nearest(vectors, vectors, min(count, len(vectors) - 1), itself=True)
    if not len(known):
        return np.asarray(-np.log(others))
    result: npt.NDArray[np.float64] = np.log(_nearest(vectors, known, min(count, len(known))) / others)
    return result


def groups(vectors: Reals) -> npt.NDArray[np.int64]:
    """Give each vector [n, d] a group, about 25 in each, at most 12 (k-means from a fixed seed)."""
    from sklearn.cluster import KMeans

    number = int(np.clip(round(len(vectors) / GROUP_SIZE), 1, MOST_GROUPS))
    found = KMeans(number, n_init=4, random_state=0).fit_predict(vectors)
    return np.asarray(found, dtype=np.int64)


def _nearest(vectors: Reals, others: Reals, count: int, *, itself: bool = False) -> npt.NDArray[np.float64]:
    """Mean cosine distance to the `count` nearest; with `itself`, a vector does not count as its own neighbour."""
    found = np.empty(len(vectors))
    for start in range(0, len(vectors), BLOCK):
        close = vectors[start : start + BLOCK] @ others.T
        if itself:
            close[np.arange(len(close)), start + np.arange(len(close))] = -2.0
        best = np.partition(close, close.shape[1] - count, axis=1)[:, -count:]
        found[start : start + BLOCK] = 1 - best.mean(axis=1)
    return found + 1e-4
