"""The compiled loops over groups: union-find, twins of a keeper, and twins that carry another label.

Every relation is evaluated the same way round (the row with the smaller image_id first), so it is symmetric whatever
the order of the files. Orientation numbers are those of curation.images.hashing: mirrored from 4 on, then turned left.
"""

import numpy as np

from curation.dedupe.hash_kernels import compiled, distance
from curation.dedupe.thumbnail_agreement import SEARCH, STILL, similarity

FAR = 26  # bits of each 64 that may differ, as chance alone makes 32


@compiled
def root(parent: np.ndarray, x: int) -> int:
    """Representative of x's group, halving the path on the way."""
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x


@compiled
def flatten(parent: np.ndarray) -> None:
    """Let every row point at its representative."""
    for row in range(parent.shape[0]):
        parent[row] = root(parent, row)


@compiled
def unite(parent: np.ndarray, pairs: np.ndarray, agreed: np.ndarray) -> None:
    """Join the groups of the pairs that agreed; the smallest row represents a group."""
    for k in range(pairs.shape[0]):
        if agreed[k]:
            a, b = root(parent, pairs[k, 0]), root(parent, pairs[k, 1])
            parent[max(a, b)] = min(a, b)


@compiled
def apart(parent: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Which pairs are not in one group yet; the others need no look at their pixels."""
    out = np.empty(pairs.shape[0], np.bool_)
    for k in range(pairs.shape[0]):
        out[k] = root(parent, pairs[k, 0]) != root(parent, pairs[k, 1])
    return out


@compiled
def compare(
    pictures: tuple[np.ndarray, np.ndarray, np.ndarray], pair: tuple[int, int], least: float
) -> tuple[int, float, int]:
    """(distance, similarity, orientation) of the best orientation; similarity -1 when none agrees.

    pictures: (hashes [n, 8, words], thumbnails [n, bytes], whether each is large enough to be moved [n]). pair: (keeper
    row, row): the orientation says how the keeper must be turned to match.
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
def stars(
    pictures: tuple[np.ndarray, np.ndarray, np.ndarray],
    members: np.ndarray,
    least: float,
    found: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Walk a group from its best image down: whoever is not a twin of a keeper before it becomes a keeper.

    pictures: as in `compare`. members: rows in the order of keeping. least: the similarity of a twin.
    found: (keeper, distance, similarity, orientation) of all rows, filled for the twins; keeper is -1 before.
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
def disputes(
    pictures: tuple[np.ndarray, np.ndarray, np.ndarray],
    members: np.ndarray,
    labels: np.ndarray,
    least: float,
    kinds: int,
) -> np.ndarray:
    """Which labels the twins of each member carry: bool [members, kinds]; labels: below `kinds`, -1 for none."""
    seen = np.zeros((members.shape[0], kinds), np.bool_)
    for a in range(members.shape[0]):
        for b in range(a):
            one, other = labels[a], labels[b]
            if one < 0 or other < 0 or one == other or (seen[a, other] and seen[b, one]):
                continue
            if compare(pictures, (members[a], members[b]), least)[1] >= 0.0:
                seen[a, other] = seen[b, one] = True
    return seen
