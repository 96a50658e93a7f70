"""How different an image is from those that the lots put before it: farthest-first, made stable under additions.

Farthest-first traversal (Gonzalez 1985) picks what is farthest from all picked so far; one new image can change every
pick after it. Here images stand in the order of their lots, and each is scored by its distance to the nearest before it
(the insertion distance of an incremental net). The q highest scores are at least the q-th score apart from each other,
as farthest-first picks would be, yet a new image changes the scores of its own neighbours only.
"""

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.hash_kernels import compiled, distance


@compiled
def insertion_distances(hashes: np.ndarray) -> np.ndarray:
    """Hamming distance int64 [n] of each hash of uint64 [n, words] to the nearest before it; the first has the most."""
    number = hashes.shape[0]
    found = np.full(number, 64 * hashes.shape[1], np.int64)
    for row in range(number):
        for earlier in range(row):
            far = distance(hashes[row], hashes[earlier])
            found[row] = min(found[row], far)
    return found


def most_different(hashes: NDArray[np.uint64], number: int) -> NDArray[np.int64]:
    """Rows int64 [number] of the most different of uint64 [n, words], which stand in the order of their lots."""
    scores = insertion_distances(hashes)
    return np.asarray(np.argsort(-scores, kind="stable")[:number])
