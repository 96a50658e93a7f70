"""The pairs that are worth comparing on their pixels: for each image, the few whose thumbnails agree best.

A fixed camera gives n x n near pairs for n images. So only a bounded number is kept for each image, as a graph of
nearest neighbours does (Dong et al. 2011), and copies and scenes are what the graph connects.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.dedupe import thumbnail_agreement
from curation.dedupe.candidate_bound import Bound
from curation.dedupe.candidates import hash_candidates, is_large, view_candidates
from curation.dedupe.descriptors.descriptor_pairs import DescriptorPairs
from curation.dedupe.hash_kernels import compiled
from curation.dedupe.image_arrays import Pictures, release
from curation.engine.processes import count
from curation.params.blocks import Dedupe

Rows = NDArray[np.int32]

NEAREST = 8  # pairs that are kept for each image
SMALL_AGREEMENT = 0.85  # of pictures hardly larger than their thumbnail: it shows all they have
FEW = 2000  # images up to which `min_similarity` is enough for pairs that a view proposed
STRICTER = 0.027  # more that such pairs need for each doubling of the number of images
STRICTEST = 0.85  # what they need at most
SLICE = 2048  # pairs that a thread compares at a time


class Edges(NamedTuple):
    """Pairs left < right, int32 [k] each, sorted; similarity of their thumbnails float32 [k]; numbers of candidates.

    seen: whose thumbnails were compared. cut: that were left out, because both images have many that are more alike.
    """

    left: Rows
    right: Rows
    similarity: NDArray[np.float32]
    seen: int
    cut: int


def nearest_pairs(
    pictures: Pictures, params: Dedupe, workers: int = 0, described: DescriptorPairs | None = None
) -> Edges:
    """Keep the NEAREST best pairs of each image among the candidates; the result does not depend on their order.

    described: the pairs that a descriptor proposes besides.
    """
    size = len(pictures.facts)
    rows, scores = np.full((size, NEAREST), -1, np.int32), np.full((size, NEAREST), -1, np.float32)
    large = is_large(pictures)
    bound, seen = Bound(size), 0
    # A part of one picture agrees with many others, and a thing of another colour with this one. So only the pixels may
    # connect such a pair, not the thumbnails.
    least_of_views = view_agreement(size, params.min_similarity)
    most = np.nextafter(np.float32(params.leak_similarity), np.float32(0))
    with ThreadPoolExecutor(count(workers)) as threads:
        tools = threads, count(workers)
        for pairs in hash_candidates(pictures, params, tools, bound):
            seen += len(pairs)
            found, other_hues = thumbnails_agree(pictures, pairs, threads)
            both = large[pairs[:, 0]] & large[pairs[:, 1]]
            least = np.where(both, params.min_similarity, SMALL_AGREEMENT)
            keep = (found >= np.maximum(least, params.min_similarity).astype(np.float32)) & (both | ~other_hues)
            found = np.where(other_hues, np.minimum(found, most), found)
            keep_nearest(rows, scores, np.ascontiguousarray(pairs[keep]), found[keep])
        settled = scores.min(axis=1) > most
        for pairs in view_candidates(pictures, params, tools, bound, settled):
            seen += len(pairs)
            found, _ = thumbnails_agree(pictures, pairs, threads)
            keep = found >= np.float32(least_of_views)
            keep_nearest(rows, scores, np.ascontiguousarray(pairs[keep]), np.minimum(found[keep], most))
    if described is not None:  # as with views, only the pixels may connect such a pair
        seen += len(described.rows)
        keep_nearest(rows, scores, described.rows, np.minimum(described.cosines, most))
    return _edges(rows, scores, (seen, bound.cut))


def view_agreement(size: int, least: float) -> float:
    """The least similarity of thumbnails that a view proposed, among `size` images.

    Pairs that agree by chance grow with the square of the number of images, copies grow with the number. So more is
    asked for in a large collection, and chance gives no more pairs than there are copies where 5% of the images are.
    The figures are those of random pictures of smooth waves: 1,084 pairs of 10,000 pictures agree by chance at 0.6, 87
    at 0.75, 3 at 0.85.
    """
    return max(least, min(least + STRICTER * (size // FEW).bit_length(), STRICTEST))


def thumbnails_agree(
    pictures: Pictures, pairs: Rows, threads: ThreadPoolExecutor
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Similarity of the thumbnails, float32 [k], of each candidate, and whether their hues differ, bool [k]."""

    def part(low: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        some = pairs[low : low + SLICE]
        found = (
            thumbnail_agreement.similarities(pictures.thumbnails, pictures.contents, some),
            thumbnail_agreement.other_hues(pictures.thumbnails, some),
        )
        release(pictures.thumbnails)
        release(pictures.contents.thumbnails)
        return found

    found = list(threads.map(part, range(0, len(pairs), SLICE)))
    if not found:
        return np.zeros(0, np.float32), np.zeros(0, np.bool_)
    return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])


@compiled
def keep_nearest(rows: np.ndarray, scores: np.ndarray, pairs: np.ndarray, found: np.ndarray) -> None:
    """Keep each pair in the rows [n, k] of both images, where it is among their k best; equal pairs count once."""
    for at in range(pairs.shape[0]):
        for side in range(2):
            _keep(rows[pairs[at, side]], scores[pairs[at, side]], pairs[at, 1 - side], found[at])


@compiled
def _keep(rows: np.ndarray, scores: np.ndarray, other: int, score: float) -> None:
    """Put `other` into one image's rows, in place of the worst; of equal scores the smaller row is better."""
    worst = 0
    for k in range(rows.shape[0]):
        if rows[k] == other:
            scores[k] = max(scores[k], score)
            return
        if scores[k] < scores[worst] or (scores[k] == scores[worst] and rows[k] > rows[worst]):
            worst = k
    if score > scores[worst] or (score == scores[worst] and other < rows[worst]):
        rows[worst], scores[worst] = other, score


def _edges(rows: Rows, scores: NDArray[np.float32], numbers: tuple[int, int]) -> Edges:
    one, place = np.nonzero(rows >= 0)
    other, score = rows[one, place], scores[one, place]
    keys = np.minimum(one, other).astype(np.int64) * len(rows) + np.maximum(one, other)
    order = np.lexsort((-score, keys))
    kept = order[np.r_[True, np.diff(keys[order]) != 0]] if len(order) else order
    left, right = np.divmod(keys[kept], max(len(rows), 1))
    return Edges(left.astype(np.int32), right.astype(np.int32), score[kept], *numbers)
