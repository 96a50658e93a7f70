"""Groups of images that the model fails in the same way.

Principal components, then HDBSCAN (Campello et al. 2013; McInnes et al. 2017), which leaves what belongs nowhere as
noise, -1. Clusters are numbered by size and first image, so that the same images get the same numbers.
"""

import numpy as np
from numpy.typing import NDArray

MOST_FITTED = 20_000  # vectors that the principal components are found from


def reduce(vectors: NDArray[np.float32], components: int, seed: int) -> NDArray[np.float32]:
    """Principal components [n, at most `components`], each with the sign that makes its largest weight positive."""
    from sklearn.decomposition import PCA

    count = min(components, *vectors.shape)
    if len(vectors) < 2 or count < 1:
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
