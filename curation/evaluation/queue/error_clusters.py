"""Groups of images on which the model makes the same kind of error.

1. Embeddings are reduced to principal components.
2. Dimensions for the label and for the predicted class are added (the error-aware mixture of Domino, Eyuboglu et al.
   2022).
3. HDBSCAN (Campello et al. 2013; McInnes et al. 2017) clusters the points. Images that belong to no cluster are noise,
   -1. The leaves of its tree are used: they give many small groups that can be named, while its usual choice gives one
   large group.

Clusters are numbered by size and then by first image, so the same images get the same numbers.
"""

import math

import numpy as np
from numpy.typing import NDArray

from curation.engine.progress import busy
from curation.evaluation.neighbours import unit

RERUNS = 5
REPRESENTATIVES = 5
PART = 0.8  # share of the images that a rerun samples
MOST_RERUN = 2_000
MOST_FITTED = 20_000  # vectors that the principal components are found from
CODE = 12  # dimensions at most that tell one class from another
# In units of the usual distance to the fifth neighbour:
APART = 2.0  # the distance that is added between two classes
NEAR = 1.5  # clusters that are nearer to one another are not separated
NEIGHBOUR = 5
MOST_QUERIES = 1_000
MANY, WIDTH = 5_000, 24  # more than so many points are reduced to so many dimensions


def reduce(vectors: NDArray[np.float32], components: int, seed: int) -> NDArray[np.float32]:
    """Principal components [n, at most `components`], each with the sign that makes its largest weight positive."""
    from sklearn.decomposition import PCA

    count = min(components, *vectors.shape)
    if len(vectors) < 2 or count < 1 or not np.ptp(vectors, axis=0).any():
        return np.zeros((len(vectors), max(count, 1)), np.float32)
    sample = np.random.default_rng(seed).permutation(len(vectors))[:MOST_FITTED] if len(vectors) > MOST_FITTED else ...
    model = PCA(count, random_state=seed, svd_solver="full").fit(vectors[sample])
    return np.asarray(model.transform(vectors), np.float32)


def usual_distance(points: NDArray[np.float32], seed: int) -> float:
    """Median distance of points [n, d] to their fifth nearest neighbour, from at most 1,000 of them."""
    if len(points) < 2:
        return 0.0
    queries = points[np.random.default_rng(seed).permutation(len(points))[:MOST_QUERIES]].astype(np.float64)
    squares = (queries**2).sum(1)[:, None] + (points.astype(np.float64) ** 2).sum(1)[None, :] - 2 * queries @ points.T
    index = min(NEIGHBOUR, len(points) - 1)
    return float(np.median(np.sqrt(np.maximum(np.partition(squares, index, axis=1)[:, index], 0))))


def with_pairs(points: NDArray[np.float32], pairs: list[NDArray[np.integer]], apart: float) -> NDArray[np.float32]:
    """Points [n, d] with further dimensions that separate images of different labels or different predictions.

    pairs: class codes int [n] of the label, and of the predicted class. A difference in one of the two adds the
    distance `apart`. So images that differ in one of them can still share a cluster, where neither has enough images of
    its own.
    """
    count = int(max((codes.max(initial=0) for codes in pairs), default=0)) + 1
    # Beyond a dozen classes, random directions: they are nearly orthogonal and need no more dimensions.
    names = np.eye(count) if count <= CODE else unit(np.random.default_rng(0).normal(size=(count, CODE)))
    wide = np.concatenate([points, *(names[codes] * apart / np.sqrt(2) for codes in pairs)], axis=1).astype(np.float32)
    return wide if len(wide) <= MANY else reduce(wide, WIDTH, 0)  # a search tree is slow in many dimensions


def least_size(count: int, wanted: int) -> int:
    """Least size of a cluster among `count` images: as wanted, but more among thousands, for a person to see all."""
    return max(wanted, round(math.sqrt(count) / 2))


def cluster(points: NDArray[np.float32], min_cluster_size: int, near: float = 0) -> NDArray[np.int32]:
    """Cluster numbers int32 [n], largest first, -1 for noise. Points within the distance `near` are not separated."""
    import hdbscan

    if len(points) <= min_cluster_size:
        return np.full(len(points), -1, np.int32)
    model = hdbscan.HDBSCAN(
        min_cluster_size=min_cluster_size,
        min_samples=max(1, min_cluster_size // 5),
        cluster_selection_method="leaf",
        cluster_selection_epsilon=float(near),
        core_dist_n_jobs=1,
    )
    with busy(f"cluster {len(points):,} images"):
        found = model.fit(points.astype(np.float64))
    return renumber(found.labels_)


def renumber(labels: NDArray[np.integer]) -> NDArray[np.int32]:
    """Number clusters by size, the largest 0; ties by their first row; noise stays -1."""
    names, first, counts = np.unique(labels, return_index=True, return_counts=True)
    real = names >= 0
    order = np.lexsort((first[real], -counts[real]))
    number = {int(name): rank for rank, name in enumerate(names[real][order])}
    return np.array([number.get(int(label), -1) for label in labels], np.int32)


def representatives(points: NDArray[np.float32], rows: NDArray[np.int64]) -> list[int]:
    """The rows of a cluster that are nearest to its median, which are the most typical. points: float [rows, d]."""
    near = ((points - np.median(points, axis=0)) ** 2).sum(axis=1)
    return [int(row) for row in rows[np.argsort(near, kind="stable")[:REPRESENTATIVES]]]


def stability(
    points: NDArray[np.float32], labels: NDArray[np.int32], min_cluster_size: int, near: float, seed: int
) -> dict[int, float]:
    """How well reruns on samples of the images find each cluster again, 0 to 1.

    It is the mean over reruns of the best Jaccard overlap among the sampled images (Hennig 2007).
    """
    generator = np.random.default_rng(seed)
    share = min(PART, MOST_RERUN / max(len(points), 1))
    again = max(2, round(min_cluster_size * share))
    overlaps: dict[int, list[float]] = {int(name): [] for name in set(labels.tolist()) - {-1}}
    for _ in range(RERUNS if overlaps else 0):
        rows = np.sort(generator.choice(len(points), round(share * len(points)), replace=False))
        table = _overlap(labels[rows], cluster(points[rows], again, near))
        for name, best in table.items():
            overlaps[name].append(best)
    return {name: float(np.mean(found)) if found else 0.0 for name, found in overlaps.items()}


def _overlap(before: NDArray[np.int32], after: NDArray[np.int32]) -> dict[int, float]:
    """Best Jaccard overlap of every cluster of `before` with one of `after`; noise matches nothing."""
    counts = np.zeros((before.max() + 2, after.max() + 2), np.int64)
    np.add.at(counts, (before + 1, after + 1), 1)
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    joined = counts / np.maximum(rows[:, None] + columns[None, :] - counts, 1)
    joined[:, 0] = 0
    return {int(name): float(joined[name + 1].max()) for name in np.flatnonzero(rows[1:])}
