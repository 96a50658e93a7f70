"""Groups of images that the model fails in the same way.

Principal components, then HDBSCAN (Campello et al. 2013; McInnes et al. 2017), which leaves what belongs nowhere as
noise, -1. Clusters are numbered by size and first image, so that the same images get the same numbers.
"""

import numpy as np
from numpy.typing import NDArray

RERUNS = 5
PART = 0.8  # of the images, drawn for a rerun
MOST_RERUN = 2_000
MOST_FITTED = 20_000  # vectors that the principal components are found from


def reduce(vectors: NDArray[np.float32], components: int, seed: int) -> NDArray[np.float32]:
    """Principal components [n, at most `components`], each with the sign that makes its largest weight positive."""
    from sklearn.decomposition import PCA

    count = min(components, *vectors.shape)
    if len(vectors) < 2 or count < 1 or not np.ptp(vectors, axis=0).any():
        return np.zeros((len(vectors), max(count, 1)), np.float32)
    sample = np.random.default_rng(seed).permutation(len(vectors))[:MOST_FITTED] if len(vectors) > MOST_FITTED else ...
    model = PCA(count, random_state=seed, svd_solver="full").fit(vectors[sample])
    return np.asarray(model.transform(vectors), np.float32)


def cluster(points: NDArray[np.float32], min_cluster_size: int) -> NDArray[np.int32]:
    """Cluster numbers int32 [n], largest first, -1 for noise."""
    import hdbscan

    if len(points) <= min_cluster_size:
        return np.full(len(points), -1, np.int32)
    found = hdbscan.HDBSCAN(min_cluster_size=min_cluster_size, core_dist_n_jobs=1).fit(points.astype(np.float64))
    return renumber(found.labels_)


def renumber(labels: NDArray[np.integer]) -> NDArray[np.int32]:
    """Number clusters by size, the largest 0; ties by their first row; noise stays -1."""
    names, first, counts = np.unique(labels, return_index=True, return_counts=True)
    real = names >= 0
    order = np.lexsort((first[real], -counts[real]))
    place = {int(name): rank for rank, name in enumerate(names[real][order])}
    return np.array([place.get(int(label), -1) for label in labels], np.int32)


def stability(
    points: NDArray[np.float32], labels: NDArray[np.int32], min_cluster_size: int, seed: int
) -> dict[int, float]:
    """How well each cluster is found again in reruns on parts of the images, 0 to 1.

    Mean over reruns of the best Jaccard overlap, among the images that were drawn (Hennig 2007).
    """
    generator = np.random.default_rng(seed)
    share = min(PART, MOST_RERUN / max(len(points), 1))
    again = max(2, round(min_cluster_size * share))
    overlaps: dict[int, list[float]] = {int(name): [] for name in set(labels.tolist()) - {-1}}
    for _ in range(RERUNS if overlaps else 0):
        rows = np.sort(generator.choice(len(points), round(share * len(points)), replace=False))
        table = _overlap(labels[rows], cluster(points[rows], again))
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
