"""Nearest neighbours of descriptors: for each image the few others with the largest cosine.

Up to EXACT images all pairs are looked at. Above, the images are laid into as many lists as the root of their number,
by k-means (an inverted file: Sivic and Zisserman 2003, Jégou et al. 2011), and each is compared with the images of the
PROBES nearest lists. So the work grows with the number to the power of 1.5. All products are sums of whole numbers that
float32 holds exactly: no machine, no number of threads and no order of the images changes what is found.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.descriptors.described_images import SCALE, Vectors
from curation.dedupe.hash_kernels import compiled
from curation.dedupe.image_arrays import release

Rows = NDArray[np.int64]
Dots = NDArray[np.float32]

KEPT = 8  # neighbours of each image
EXACT = 16_384  # images up to which all pairs are looked at
PROBES = 16  # lists that are searched for each image
ROUNDS = 6  # of k-means
SAMPLE = 64  # images a list that k-means learns from
LONGEST = 8192  # images of one list that are compared with each other; a fixed camera makes longer ones
BLOCK = 1024  # images whose products are made at a time


def near_pairs(vectors: Vectors, least: float) -> tuple[NDArray[np.int32], Dots]:
    """Pairs, int32 [k, 2], left < right, of which one image is among the KEPT nearest of the other; their cosines.

    vectors: int16 [n, d] of length SCALE, in an order that the contents give. least: smallest cosine of a pair.
    """
    size = len(vectors)
    rows, dots = np.full((size, KEPT), -1, np.int32), np.full((size, KEPT), -1.0, np.float32)
    limit = float(least * SCALE * SCALE)
    for asked, others in _cells(vectors):
        members = vectors[others].astype(np.float32)
        release(vectors)
        for low in range(0, len(asked), BLOCK):
            some = asked[low : low + BLOCK]
            keep_near(rows, dots, (some, others), vectors[some].astype(np.float32) @ members.T, limit)
        release(vectors)
    one, place = np.nonzero(rows >= 0)
    other = rows[one, place]
    pairs = np.column_stack([np.minimum(one, other), np.maximum(one, other)]).astype(np.int32)
    found, first = np.unique(pairs, axis=0, return_index=True)
    return found, np.minimum(dots[one, place][first] / np.float32(SCALE * SCALE), np.float32(1))


def _cells(vectors: Vectors) -> Iterator[tuple[Rows, Rows]]:
    """Yield rows that are compared with other rows."""
    every = np.arange(len(vectors))
    if len(vectors) <= EXACT:
        yield every, every
        return
    nearest = _lists(vectors, _centres(vectors))
    for asked, members in zip(_by_list(nearest), _by_list(nearest[:, :1]), strict=True):
        for low in range(0, len(members), LONGEST):
            part = members[low : low + LONGEST]
            # A list that is too long is parted, and so are those who ask: each part is compared with itself.
            yield (asked if len(members) <= LONGEST else part), part


def _by_list(nearest: NDArray[np.int32]) -> list[Rows]:
    """The rows of each list, ascending; a row may stand in several."""
    order = np.argsort(nearest.ravel(), kind="stable")
    starts = np.searchsorted(nearest.ravel()[order], np.arange(1, round(len(nearest) ** 0.5)))
    return np.split(order // nearest.shape[1], starts)


def _centres(vectors: Vectors) -> Vectors:
    """The centres of the lists, int16 [k, d], by a few rounds of k-means on evenly spread images."""
    number = round(len(vectors) ** 0.5)
    sample = vectors[np.linspace(0, len(vectors) - 1, min(SAMPLE * number, len(vectors))).astype(np.int64)]
    centres: Vectors = sample[:: len(sample) // number][:number]
    for _ in range(ROUNDS):
        own = _lists(sample, centres, 1)[:, 0]
        sums = np.zeros(centres.shape, np.int64)
        np.add.at(sums, own, sample)
        length = np.sqrt((sums.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
        moved = np.rint(sums * (SCALE / np.maximum(length, 1))).astype(np.int16)
        centres = np.where(length > 0, moved, centres)
    return centres


def _lists(vectors: Vectors, centres: Vectors, probes: int = PROBES) -> NDArray[np.int32]:
    """The nearest lists of each vector, int32 [n, probes], the nearest first."""
    out = np.empty((len(vectors), min(probes, len(centres))), np.int32)
    turned = centres.astype(np.float32).T
    for low in range(0, len(vectors), BLOCK):
        dots = vectors[low : low + BLOCK].astype(np.float32) @ turned
        out[low : low + BLOCK] = np.argsort(-dots, axis=1, kind="stable")[:, : out.shape[1]]
    return out


@compiled
def keep_near(
    rows: np.ndarray, dots: np.ndarray, cell: tuple[np.ndarray, np.ndarray], found: np.ndarray, least: float
) -> None:
    """Keep in rows and dots [n, k] the k best of `found` [asked, others]; of equal ones that of the smaller row."""
    asked, others = cell
    for a in range(asked.shape[0]):
        one, kept = rows[asked[a]], dots[asked[a]]
        worst = worst_of(one, kept)
        for b in range(others.shape[0]):
            score, other = found[a, b], others[b]
            if score < least or score < kept[worst] or other == asked[a]:
                continue
            if score > kept[worst] or other < one[worst] or one[worst] < 0:
                one[worst], kept[worst] = other, score
                worst = worst_of(one, kept)


@compiled
def worst_of(rows: np.ndarray, scores: np.ndarray) -> int:
    """The place that is replaced next: an empty one, or the smallest score; of equal ones the largest row."""
    worst = 0
    for k in range(rows.shape[0]):
        if rows[k] < 0:
            return k
        if scores[k] < scores[worst] or (scores[k] == scores[worst] and rows[k] > rows[worst]):
            worst = k
    return worst
