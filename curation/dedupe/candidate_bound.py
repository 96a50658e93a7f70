"""A bound on the candidates of each image: of the pairs that one search finds, the most alike are compared.

A fixed camera gives n x n near pairs for n images, and comparing all of them would take hours. So of one search (one
hash, one orientation) each image keeps its PAIRS most alike candidates, and a pair stays where either image keeps it.
The measure is the correlation of the grey thumbnails, or the bits that differ where a view was hashed. Correlations of
n x n pairs would take minutes, too, so only the ROUGH_PAIRS pairs of each image whose pictures of 8 x 8 cells differ
least are correlated. Images with equal thumbnails stay connected, because each of them keeps the pair with the first of
them. What stays does not depend on the order in which the pairs are found: the most alike of all pairs are the most
alike of those that stayed of each part. So the pairs are cut whenever WAITING of them have been found, and the memory
is bounded.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.hash_kernels import compiled
from curation.dedupe.image_arrays import release
from curation.dedupe.thumbnail_alignment import EDGE, TURNS, turns

Candidates = NDArray[np.int32]
Difference = Callable[[Candidates], NDArray[np.float32]]

PAIRS = 32  # of one search that are compared for each image
ROUGH_PAIRS = 64  # of them that are correlated
CELLS = 8  # cells across and down of a rough picture
LEVELS = 40  # that a rough picture has for one standard deviation
WAITING = 1 << 22  # pairs that are held before they are cut
BATCH = 1 << 18  # pairs that are given on at a time
SLICE = 8192  # thumbnails that are made rough at a time
ROUGH_TURNS = turns(CELLS)


class Bound:
    """Cuts the pairs of one search after the other, and counts what was cut."""

    def __init__(self, size: int) -> None:
        """size: number of images."""
        self.cut = 0
        self._size = size

    def nearest(
        self, batches: Iterable[Candidates], difference: Difference, rough: Difference | None = None
    ) -> Iterator[Candidates]:
        """Yield the pairs, int32 [k, columns], that are among the PAIRS nearest of their first or second image.

        The first two columns are the rows of the images. difference: float32 [k], called for some of the pairs, 0 for
        equal images; of equally near pairs those of the smaller rows come first. rough: the same, but quicker; only
        the ROUGH_PAIRS pairs of each image that are the nearest by it are asked for their difference.
        """
        quick, many = (rough, ROUGH_PAIRS) if rough else (difference, PAIRS)
        held: list[Candidates] = []
        waiting, most = 0, WAITING
        for batch in batches:
            held.append(batch)
            waiting += len(batch)
            if waiting > most:
                held = [self._cut(np.concatenate(held), quick, many)]
                waiting = len(held[0])
                most = max(WAITING, 2 * waiting)
        if not waiting:
            return
        kept = self._cut(np.concatenate(held), quick, many)
        held.clear()
        kept = self._cut(kept, difference, PAIRS) if rough else kept
        for low in range(0, len(kept), BATCH):
            yield kept[low : low + BATCH]

    def _cut(self, pairs: Candidates, difference: Difference, most: int) -> Candidates:
        often = np.bincount(pairs[:, 0], minlength=self._size) + np.bincount(pairs[:, 1], minlength=self._size)
        if not (crowded := np.flatnonzero(often > most)).size:
            return pairs
        place = np.full(self._size, -1, np.int32)
        place[crowded] = np.arange(len(crowded), dtype=np.int32)
        asked = (place[pairs[:, 0]] >= 0) | (place[pairs[:, 1]] >= 0)
        doubtful = np.ascontiguousarray(pairs[asked])
        best = np.empty((len(crowded), most), np.int32), np.zeros(len(crowded), np.int32)
        near = doubtful[among_nearest(doubtful, difference(doubtful), place, best)]
        self.cut += len(doubtful) - len(near)
        return np.concatenate([pairs[~asked], near])


@compiled
def among_nearest(
    pairs: np.ndarray, differences: np.ndarray, place: np.ndarray, best: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Bool [k]: which pairs are among the nearest of either image; every pair of an image that is not crowded is.

    place: int32 [n], the number of a crowded image, else -1. best: int32 [crowded, most], room for the nearest pairs,
    and int32 [crowded], all 0, how many there are; the first of them is the least near once the room is full.
    """
    nearest, filled = best
    out = np.zeros(pairs.shape[0], np.bool_)
    for k in range(pairs.shape[0]):
        for side in range(2):
            at = place[pairs[k, side]]
            if at < 0:
                out[k] = True
            elif filled[at] < nearest.shape[1]:
                nearest[at, filled[at]] = k
                filled[at] += 1
                if filled[at] == nearest.shape[1]:
                    put_last_first(nearest[at], pairs, differences)
            elif is_nearer(k, nearest[at, 0], pairs, differences):
                nearest[at, 0] = k
                put_last_first(nearest[at], pairs, differences)
    for at in range(nearest.shape[0]):
        for slot in range(filled[at]):
            out[nearest[at, slot]] = True
    return out


@compiled
def put_last_first(chosen: np.ndarray, pairs: np.ndarray, differences: np.ndarray) -> None:
    """Let the least near of the chosen pairs be the first of them."""
    last = 0
    for slot in range(1, chosen.shape[0]):
        if is_nearer(chosen[last], chosen[slot], pairs, differences):
            last = slot
    chosen[0], chosen[last] = chosen[last], chosen[0]


@compiled
def is_nearer(one: int, other: int, pairs: np.ndarray, differences: np.ndarray) -> bool:
    """Whether pair `one` comes before pair `other`: by difference, then by the numbers of the pair."""
    if differences[one] != differences[other]:
        return bool(differences[one] < differences[other])
    for column in range(pairs.shape[1]):
        if pairs[one, column] != pairs[other, column]:
            return bool(pairs[one, column] < pairs[other, column])
    return False


def rough_pictures(thumbnails: NDArray[np.uint8]) -> NDArray[np.int8]:
    """The grey cells of thumbnails as pictures of 8 x 8 cells without their light and contrast: int8 [n, 64]."""
    out = np.empty((len(thumbnails), CELLS * CELLS), np.int8)
    for low in range(0, len(thumbnails), SLICE):
        grey = thumbnails[low : low + SLICE, : EDGE * EDGE].reshape(-1, CELLS, EDGE // CELLS, CELLS, EDGE // CELLS)
        cells = grey.sum(axis=(2, 4), dtype=np.int64).reshape(-1, CELLS * CELLS)
        cells = CELLS * CELLS * cells - cells.sum(axis=1, keepdims=True)
        spread = np.sqrt((cells**2).sum(axis=1, keepdims=True) / (CELLS * CELLS))
        out[low : low + SLICE] = np.clip(np.rint(LEVELS * cells / np.maximum(spread, 1)), -127, 127)
        release(thumbnails[low : low + SLICE])
    return out


@compiled
def roughly_apart(rough: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The sum of the squared differences of two rough pictures, float32 [k]; the first is turned."""
    out = np.empty(pairs.shape[0], np.float32)
    for k in range(pairs.shape[0]):
        one, other, turn = rough[pairs[k, 0]], rough[pairs[k, 1]], ROUGH_TURNS[pairs[k, 2]]
        total = np.int32(0)
        if pairs[k, 2]:
            for cell in range(CELLS * CELLS):
                apart = np.int32(one[turn[cell]]) - np.int32(other[cell])
                total += apart * apart
        else:
            for cell in range(CELLS * CELLS):
                apart = np.int32(one[cell]) - np.int32(other[cell])
                total += apart * apart
        out[k] = total
    return out


@compiled
def uncorrelated(thumbnails: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """One minus the correlation of the grey cells of two thumbnails, float32 [k]; the first is turned.

    pairs: int32 [k, 3 or more], rows and orientation. The sums are exact, so equal thumbnails give exactly 0.
    """
    out = np.empty(pairs.shape[0], np.float32)
    turned = np.empty(EDGE * EDGE, np.uint8)
    for k in range(pairs.shape[0]):
        one, other, turn = thumbnails[pairs[k, 0]], thumbnails[pairs[k, 1]], TURNS[pairs[k, 2]]
        if pairs[k, 2]:
            for cell in range(EDGE * EDGE):
                turned[cell] = one[turn[cell]]
            one = turned
        p, q, pp, qq, pq = np.int32(0), np.int32(0), np.int32(0), np.int32(0), np.int32(0)
        for cell in range(EDGE * EDGE):
            a, b = np.int32(one[cell]), np.int32(other[cell])
            p += a
            q += b
            pp += a * a
            qq += b * b
            pq += a * b
        n, x, y = np.int64(EDGE * EDGE), np.int64(p), np.int64(q)
        spread = np.sqrt(np.float64(n * pp - x * x) * np.float64(n * qq - y * y))
        out[k] = 1.0 - (n * pq - x * y) / spread if spread > 0.0 else 0.0
    return out
