"""Diversity sampling: choose images that are far from one another, in a way that new images hardly change.

Farthest-first traversal (Gonzalez 1985) picks the image that is farthest from all picks so far. But one new image can
change every later pick. So here the images are in the order of their hash buckets, and the score of an image is its
distance to the nearest image before it (the insertion distance of an incremental net). As with farthest-first, the q
images with the highest scores are at least the q-th score apart. A new image changes the scores of its own neighbours
only.
"""

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.hash_kernels import compiled, distance


@compiled
def insertion_distances(hashes: np.ndarray) -> np.ndarray:
    """Hamming distance int64 [n] of each hash uint64 [n, words] to the nearest before it; the first has the largest."""
    number = hashes.shape[0]
    found = np.full(number, 64 * hashes.shape[1], np.int64)
    for row in range(number):
        for earlier in range(row):
            far = distance(hashes[row], hashes[earlier])
            found[row] = min(found[row], far)
    return found


def most_different(hashes: NDArray[np.uint64], number: int) -> NDArray[np.int64]:
    """Rows int64 [number] of the most different hashes uint64 [n, words], which are in the order of their buckets."""
    scores = insertion_distances(hashes)
    return np.asarray(np.argsort(-scores, kind="stable")[:number])
