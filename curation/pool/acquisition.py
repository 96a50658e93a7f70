"""Strategies of active learning: they choose which images a person should label next.

Each strategy is a function of the embeddings and the predicted probabilities:

- entropy: images whose predicted probabilities are spread over many classes (Settles, 2009)
- margin: images whose first and second class have nearly the same probability (Settles, 2009)
- kcenter: images that together cover the pool, also called core-set (Sener & Savarese, 2018)
- badge: images that are uncertain and differ from each other (Ash et al., 2020)
- typicality: the most typical image of each cluster that has no label yet (TypiClust; Hacohen et al., 2022); this is
  the best strategy when there are few labels
- random: images chosen at random, as a baseline
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

TYPICAL_NEIGHBOURS = 20
MOST_CLUSTERS = 500
BLOCK = 2_048


@dataclass(frozen=True)
class Pool:
    """The input of a strategy: n pool images with their k most probable classes, and m labelled images.

    The rows of `embeddings` and `labelled` are unit vectors.
    """

    embeddings: Reals  # [n, d]
    probabilities: Reals  # [n, k]
    classes: Rows  # [n, k]
    labelled: Reals  # [m, d]

    def __len__(self) -> int:
        return len(self.embeddings)


def choose(pool: Pool, count: int, strategy: str, seed: int) -> Rows:
    """Return at most `count` rows of the pool to label, best first. The same `seed` gives the same rows.

    `strategy` is a key of STRATEGIES; any other name raises KeyError.
    """
    count = min(count, len(pool))
    if not count:
        return np.zeros(0, np.int64)
    return STRATEGIES[strategy](pool, count, np.random.default_rng(seed))


def entropy(pool: Pool, count: int, _rng: np.random.Generator) -> Rows:
    """Choose the images with the highest entropy. The probability outside the top k counts as one more class."""
    rest = np.clip(1 - pool.probabilities.sum(axis=1, keepdims=True), 0, 1)
    shares = np.concatenate([pool.probabilities, rest], axis=1).astype(np.float64)
    values = -(shares * np.log(np.clip(shares, 1e-12, 1))).sum(axis=1)
    return np.argsort(-values, kind="stable")[:count]


def margin(pool: Pool, count: int, _rng: np.random.Generator) -> Rows:
    """Choose the images with the smallest difference between the first and the second probability."""
    return np.argsort(_margins(pool), kind="stable")[:count]


def kcenter(pool: Pool, count: int, rng: np.random.Generator) -> Rows:
    """Choose by greedy k-center: each step takes the image farthest from all labelled and chosen images."""
    far = _distance_to(pool.embeddings, pool.labelled)
    chosen = []
    for _ in range(count):
        best = int(np.argmax(far)) if np.isfinite(far).all() else int(rng.integers(len(pool)))
        chosen.append(best)
        far = np.minimum(far, 1 - pool.embeddings @ pool.embeddings[best])
        far[best] = -1
    return np.asarray(chosen, dtype=np.int64)


def badge(pool: Pool, count: int, rng: np.random.Generator) -> Rows:
    """Choose by k-means++ on the gradients of the last layer, (p - onehot) x embedding.

    The gradients are never built: the inner product of two gradients is the inner product of their (p - onehot) parts
    times the inner product of their embeddings.
    """
    parts = _residuals(pool)
    norms = (parts**2).sum(axis=1) * (pool.embeddings**2).sum(axis=1)
    chosen = [int(np.argmax(norms))]
    near = np.full(len(pool), np.inf)
    while len(chosen) < count:
        last = chosen[-1]
        inner = (parts @ parts[last]) * (pool.embeddings @ pool.embeddings[last])
        near = np.minimum(near, np.maximum(norms + norms[last] - 2 * inner, 0))
        near[chosen] = 0
        total = near.sum()
        if total <= 1e-12:
            rest = np.setdiff1d(np.arange(len(pool)), chosen)
            chosen += [int(row) for row in rng.permutation(rest)[: count - len(chosen)]]
            break
        chosen.append(int(rng.choice(len(pool), p=near / total)))
    return np.asarray(chosen, dtype=np.int64)


def typicality(pool: Pool, count: int, rng: np.random.Generator) -> Rows:
    """Choose by TypiClust: the most typical image of each large cluster that has no label yet.

    Labelled and pool images are clustered together. The typicality of an image is the inverse of its mean distance to
    its 20 nearest neighbours in the same cluster.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans

    everything = np.concatenate([pool.embeddings, pool.labelled])
    number = int(min(len(pool.labelled) + count, MOST_CLUSTERS, len(everything)))
    kind = KMeans if len(everything) <= 20_000 and number <= 100 else MiniBatchKMeans
    found = kind(number, n_init=1, random_state=int(rng.integers(2**31))).fit_predict(everything)
    own, taken = found[: len(pool)], found[len(pool) :]
    covered = np.bincount(taken, minlength=number)
    sizes = np.bincount(own, minlength=number)
    ranks = {
        cluster: list(_typical_first(pool.embeddings, np.flatnonzero(own == cluster))) for cluster in range(number)
    }
    chosen: list[int] = []
    while len(chosen) < count:
        open_ones = [cluster for cluster in range(number) if ranks[cluster]]
        best = min(open_ones, key=lambda cluster: (covered[cluster], -sizes[cluster], cluster))
        chosen.append(int(ranks[best].pop(0)))
        covered[best] += 1
    return np.asarray(chosen, dtype=np.int64)


def at_random(pool: Pool, count: int, rng: np.random.Generator) -> Rows:
    """Choose images at random."""
    return rng.permutation(len(pool))[:count].astype(np.int64)


STRATEGIES: dict[str, Callable[[Pool, int, np.random.Generator], Rows]] = {
    "entropy": entropy,
    "margin": margin,
    "kcenter": kcenter,
    "badge": badge,
    "typicality": typicality,
    "random": at_random,
}


def _margins(pool: Pool) -> npt.NDArray[np.float64]:
    second = pool.probabilities[:, 1] if pool.probabilities.shape[1] > 1 else np.zeros(len(pool))
    return np.asarray(pool.probabilities[:, 0] - second, dtype=np.float64)


def _residuals(pool: Pool) -> npt.NDArray[np.float64]:
    """Return (p - onehot of the predicted class) [n, classes], from the top k probabilities."""
    width = int(pool.classes.max()) + 1 if pool.classes.size else 1
    parts = np.zeros((len(pool), width))
    np.put_along_axis(parts, pool.classes, pool.probabilities.astype(np.float64), axis=1)
    parts[np.arange(len(pool)), pool.classes[:, 0]] -= 1
    return parts


def _typical_first(embeddings: Reals, rows: Rows) -> Rows:
    if len(rows) < 2:
        return rows
    vectors = embeddings[rows[:5_000]]
    count = min(TYPICAL_NEIGHBOURS, len(vectors) - 1)
    close = np.sort(vectors @ vectors.T, axis=1)[:, -count - 1 : -1].mean(axis=1)
    return np.concatenate([rows[:5_000][np.argsort(-close, kind="stable")], rows[5_000:]])


def _distance_to(embeddings: Reals, others: Reals) -> npt.NDArray[np.float64]:
    """Return the cosine distance [n] to the nearest of `others`; infinity when there are none."""
    if not len(others):
        return np.full(len(embeddings), np.inf)
    parts = [
        1 - (embeddings[start : start + BLOCK] @ others.T).max(axis=1) for start in range(0, len(embeddings), BLOCK)
    ]
    return np.concatenate(parts).astype(np.float64)
