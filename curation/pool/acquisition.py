"""Which images to label next: the strategies of active learning, as functions on embeddings and probabilities.

- entropy: the model is least sure of all classes together (Settles, 2009)
- margin: the first and the second class are closest (Settles, 2009)
- kcenter: the images that cover the pool best, also called core-set (Sener & Savarese, 2018)
- badge: images that are unsure and differ from each other (Ash et al., 2020)
- typicality: the most typical image of each cluster without a label (TypiClust; Hacohen et al., 2022); best with few
  labels
- random: any image, to compare with
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
    """What a strategy knows of n images with k top guesses, and of m labelled ones; embeddings are unit vectors."""

    embeddings: Reals  # [n, d]
    probabilities: Reals  # [n, k]
    classes: Rows  # [n, k]
    labelled: Reals  # [m, d]

    def __len__(self) -> int:
        return len(self.embeddings)


def choose(pool: Pool, count: int, strategy: str, seed: int) -> Rows:
    """Rows of the pool to label, in the order of choice; `count` at most."""
    count = min(count, len(pool))
    if not count:
        return np.zeros(0, np.int64)
    return STRATEGIES[strategy](pool, count, np.random.default_rng(seed))


def entropy(pool: Pool, count: int, _rng: np.random.Generator) -> Rows:
    """The images whose top probabilities are the most even; what is left of the sum counts as one more class."""
    rest = np.clip(1 - pool.probabilities.sum(axis=1, keepdims=True), 0, 1)
    shares = np.concatenate([pool.probabilities, rest], axis=1).astype(np.float64)
    values = -(shares * np.log(np.clip(shares, 1e-12, 1))).sum(axis=1)
    return np.argsort(-values, kind="stable")[:count]


def margin(pool: Pool, count: int, _rng: np.random.Generator) -> Rows:
    """The images with the least between first and second guess."""
    return np.argsort(_margins(pool), kind="stable")[:count]


def kcenter(pool: Pool, count: int, rng: np.random.Generator) -> Rows:
    """Greedy k-center: each time the image farthest from all that is labelled or chosen."""
    far = _distance_to(pool.embeddings, pool.labelled)
    chosen = []
    for _ in range(count):
        best = int(np.argmax(far)) if np.isfinite(far).all() else int(rng.integers(len(pool)))
        chosen.append(best)
        far = np.minimum(far, 1 - pool.embeddings @ pool.embeddings[best])
        far[best] = -1
    return np.asarray(chosen, dtype=np.int64)


def badge(pool: Pool, count: int, rng: np.random.Generator) -> Rows:
    """k-means++ on the gradients of the last layer, (p - onehot) x embedding, without ever making them.

    The inner product of two gradients is that of the probability parts times that of the embeddings.
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
    """TypiClust: cluster labelled and pool images, and take the most typical image of the largest uncovered clusters.

    Typical is the inverse of the mean distance to the 20 nearest of its cluster.
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
    """Any images."""
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
    """(p - onehot of the prediction) [n, classes], from the top probabilities."""
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
    """Cosine distance [n] to the nearest of the others; infinite without any."""
    if not len(others):
        return np.full(len(embeddings), np.inf)
    parts = [
        1 - (embeddings[start : start + BLOCK] @ others.T).max(axis=1) for start in range(0, len(embeddings), BLOCK)
    ]
    return np.concatenate(parts).astype(np.float64)
