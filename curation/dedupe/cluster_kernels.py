"""Compiled loops over groups of similar images: union-find, the copies of each keeper, and labels that disagree.

Union-find is the usual one, with path halving. A keeper and its verified copies are a cluster, as in star clustering
(Aslam, Pelekhov and Rus 2004): every copy was compared with its keeper directly.

Every pair is compared in one direction, the row with the smaller image_id first. So the result is symmetric and does
not depend on the order of the files. Orientations are numbered as in curation.images.hashing: from 4 on the picture is
mirrored, and then turned to the left.
"""

import numpy as np

from curation.dedupe.hash_kernels import compiled, distance
from curation.dedupe.thumbnail_agreement import SEARCH, STILL, similarity

FAR = 26  # bits of each 64 that may differ; in two unrelated pictures 32 differ on average


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
def unite(parent: np.ndarray, pairs: np.ndarray, agreed: np.ndarray) -> None:
    """Join the groups of the pairs that agreed. The root of a group is its smallest row."""
    for k in range(pairs.shape[0]):
        if agreed[k]:
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
def compare(
    pictures: tuple[np.ndarray, np.ndarray, np.ndarray], pair: tuple[int, int], least: float
) -> tuple[int, float, int]:
    """Compare two pictures in all eight orientations: (distance, similarity, orientation) of the best.

    The similarity is -1 when no orientation reaches `least`.

    pictures: (hashes uint64 [n, 8, words], thumbnails uint8 [n, bytes], bool [n]: large enough to be shifted).
    pair: (keeper row, row). The orientation says how the keeper must be turned to match the other.
    """
    low, high = min(pair), max(pair)
    hashes, thumbnails, large = pictures
    best, best_distance, best_orientation = -1.0, 0, 0
    view = SEARCH if large[low] and large[high] else STILL
    far = hashes.shape[2] * FAR
    for orientation in range(8):
        d = distance(hashes[low, orientation], hashes[high, 0])
        if d <= far:
            found = similarity(thumbnails[low], thumbnails[high], orientation, view)
            if found >= least and found > best:
                best, best_distance, best_orientation = found, d, orientation
    if pair[0] != low and best_orientation < 4:
        best_orientation = (4 - best_orientation) % 4
    return best_distance, best, best_orientation


@compiled
def clusters(
    pictures: tuple[np.ndarray, np.ndarray, np.ndarray],
    members: np.ndarray,
    least: float,
    found: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Divide a group into clusters, from its best image down: an image that no earlier keeper claims is a keeper.

    pictures: as in `compare`.
    members: rows of the group, in the order in which images become keepers.
    least: the similarity from which an image is a copy.
    found: (keeper, distance, similarity, orientation) of all rows. They are filled in place; keeper is -1 before.
    """
    keeper, distances, agreements, orientations = found
    for a in range(members.shape[0]):
        row = members[a]
        if keeper[row] >= 0:
            continue
        keeper[row] = row
        for b in range(a + 1, members.shape[0]):
            other = members[b]
            if keeper[other] < 0:
                d, agreement, orientation = compare(pictures, (row, other), least)
                if agreement >= 0.0:
                    keeper[other], distances[other] = row, d
                    agreements[other], orientations[other] = agreement, orientation


@compiled
def labels_of_copies(
    pictures: tuple[np.ndarray, np.ndarray, np.ndarray],
    members: np.ndarray,
    labels: np.ndarray,
    least: float,
    kinds: int,
) -> np.ndarray:
    """Bool [members, kinds]: which other labels the copies of each member carry.

    labels: int [members], below `kinds`; -1 for an image without a label.
    """
    seen = np.zeros((members.shape[0], kinds), np.bool_)
    for a in range(members.shape[0]):
        for b in range(a):
            one, other = labels[a], labels[b]
            if one < 0 or other < 0 or one == other or (seen[a, other] and seen[b, one]):
                continue
            if compare(pictures, (members[a], members[b]), least)[1] >= 0.0:
                seen[a, other] = seen[b, one] = True
    return seen
