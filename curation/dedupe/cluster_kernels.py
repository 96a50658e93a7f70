"""Compiled loops over groups of similar images: union-find, and what hashes and thumbnails say of a pair.

Union-find is the usual one, with path halving. Orientations are numbered as in curation.images.hashing: from 4 on the
picture is mirrored, and then turned to the left.
"""

import numpy as np

from curation.dedupe.hash_kernels import compiled, distance
from curation.dedupe.thumbnail_agreement import SEARCH, STILL, similarity


@compiled
def root(parent: np.ndarray, x: int) -> int:
    """Return the root of x's group, and halve the path to it."""
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x


@compiled
def flatten(parent: np.ndarray) -> None:
    """Let every row point to the root of its group."""
    for row in range(parent.shape[0]):
        parent[row] = root(parent, row)


@compiled
def unite(parent: np.ndarray, pairs: np.ndarray) -> None:
    """Join the groups of each pair. The root of a group is its smallest row."""
    for k in range(pairs.shape[0]):
        a, b = root(parent, pairs[k, 0]), root(parent, pairs[k, 1])
        parent[max(a, b)] = min(a, b)


@compiled
def apart(parent: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Bool [k]: which pairs are not in one group yet. The others need no comparison of pixels."""
    out = np.empty(pairs.shape[0], np.bool_)
    for k in range(pairs.shape[0]):
        out[k] = root(parent, pairs[k, 0]) != root(parent, pairs[k, 1])
    return out


@compiled
def forest(parent: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Bool [k]: pairs that join groups, first come first, if all of them are copies. `parent` stays as it is."""
    trial = parent.copy()
    out = np.zeros(pairs.shape[0], np.bool_)
    for k in range(pairs.shape[0]):
        a, b = root(trial, pairs[k, 0]), root(trial, pairs[k, 1])
        if a != b:
            trial[max(a, b)] = min(a, b)
            out[k] = True
    return out


@compiled
def thumbnail_facts(
    pictures: tuple[np.ndarray, np.ndarray, np.ndarray], pair: tuple[int, int], orientation: int
) -> tuple[int, float]:
    """Compare two pictures by their hashes and thumbnails: (distance in bits, similarity).

    pictures: (hashes uint64 [n, 8, words], thumbnails uint8 [n, bytes], bool [n]: large enough to be shifted).
    pair: the smaller row first. orientation: how the first must be turned to match the second.
    """
    hashes, thumbnails, large = pictures
    view = SEARCH if large[pair[0]] and large[pair[1]] else STILL
    found = similarity(thumbnails[pair[0]], thumbnails[pair[1]], orientation, view)
    return distance(hashes[pair[0], orientation], hashes[pair[1], 0]), found
