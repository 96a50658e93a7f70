"""Do two thumbnails show the same picture? The compiled measure that every verification uses.

After alignment (thumbnail_alignment) the similarity is the smallest of three scores:

- the weighted correlation of the whole picture, which sees its light;
- the mean structural similarity (SSIM, Wang et al. 2004) of 49 overlapping blocks without their worst quarter, which
  sees its details;
- one minus the residual in grey levels, as a share of the largest residual that is allowed, which sees how far they
  differ.

Colour plays no part in it, because a copy may be recoloured. `other_hues` tells which pairs have other hues.
"""

import numpy as np

from curation.dedupe.hash_kernels import compiled
from curation.dedupe.thumbnail_alignment import (
    EDGE,
    MARKED,
    NOISE,
    PERFECT,
    SEARCH,
    STEPS,
    STILL,
    fit,
    sample,
    start,
    turns,
    unpack,
)
from curation.dedupe.views.view_windows import FIRST, SEEN, see

PART = 4  # cells of a block of the grey thumbnail
CELLS = 8  # cells across and down of the colour thumbnail
GREY = 6  # |Cb| + |Cr| a cell, up to which a picture counts as grey
HOPELESS = 0.5  # a start that scores less is not aligned
RESIDUAL = 75.0  # difference in grey levels at which the similarity is 0
LIGHT = 12.0  # a difference of light of so many grey levels doubles the residual, where nothing is shifted
COLOUR_TURNS = turns(CELLS)


@compiled
def block_sums(a: np.ndarray, b: np.ndarray, box: np.ndarray, rows: np.ndarray, sums: np.ndarray) -> None:
    """Fill sums [8, 8, 6]: count, a, b, a a, b b, a b in each block of 4 x 4 cells, b seen through the box."""
    sums[:] = np.float32(0.0)
    for y in range(EDGE):
        if not sample(b, box, y, rows):
            continue
        for x in range(EDGE):
            inside, p, q = rows[3, x], a[y, x] * rows[3, x], rows[0, x] * rows[3, x]
            cell = sums[y // PART, x // PART]
            cell[0] += inside
            cell[1] += p
            cell[2] += q
            cell[3] += p * p
            cell[4] += q * q
            cell[5] += p * q


@compiled
def still_sums(a: np.ndarray, b: np.ndarray, sums: np.ndarray, work: np.ndarray) -> None:
    """Fill sums [8, 8, 6] as `block_sums` does where nothing is shifted, in a form that vectorises; work [5, EDGE]."""
    for block in range(EDGE // PART):
        work[:5] = np.float32(0.0)
        for y in range(block * PART, (block + 1) * PART):
            for x in range(EDGE):
                work[0, x] += a[y, x]
                work[1, x] += b[y, x]
                work[2, x] += a[y, x] * a[y, x]
                work[3, x] += b[y, x] * b[y, x]
                work[4, x] += a[y, x] * b[y, x]
        for column in range(EDGE // PART):
            sums[block, column, 0] = PART * PART
            for k in range(5):
                total = np.float32(0.0)
                for x in range(column * PART, (column + 1) * PART):
                    total += work[k, x]
                sums[block, column, k + 1] = total


@compiled
def judge(sums: np.ndarray, gain: float) -> tuple[float, float]:
    """Compare overlapping blocks of 8 x 8 cells, without the worst quarter: (mean structural similarity, residual).

    The residual is the root mean square difference in grey levels, in the light of the darker of the two.
    """
    g = np.float32(min(max(gain, 0.3), 3.0))
    scores, misses = np.empty(49, np.float32), np.empty(49, np.float32)
    count = 0
    for y in range(7):
        for x in range(7):
            n, p, q, pp, qq, pq = sums[y, x] + sums[y, x + 1] + sums[y + 1, x] + sums[y + 1, x + 1]
            if n >= 2 * PART * PART:
                left, right = g * g * (pp - p * p / n) / n, (qq - q * q / n) / n
                shared = g * (pq - p * q / n) / n
                scores[count] = (2 * shared + NOISE) / (left + right + NOISE)
                misses[count] = left + right - 2 * shared
                count += 1
    if count < 16:
        return 0.0, 255.0
    quarter = count // 4
    structure, miss = 0.0, 0.0
    ordered, missed = np.sort(scores[:count]), np.sort(misses[:count])
    for k in range(count - quarter):
        structure += ordered[quarter + k]
        miss += missed[k]
    kept = count - quarter
    return structure / kept, np.sqrt(max(miss / kept, 0.0)) / max(g, 1.0)


@compiled
def still(a: np.ndarray, b: np.ndarray, sums: np.ndarray, work: np.ndarray) -> float:
    """Similarity of two pictures without shift or scale. Only the light may differ.

    The more the light differs, the smaller the residual must be. Small pictures of one kind often differ only in their
    light, while a true copy in another light has hardly any residual.
    """
    still_sums(a, b, sums, work)
    totals = np.zeros(6)
    for y in range(EDGE // PART):
        for x in range(EDGE // PART):
            for k in range(6):
                totals[k] += sums[y, x, k]
    n, p, q, pp, qq, pq = totals
    left, right, shared = pp - p * p / n, qq - q * q / n, pq - p * q / n
    whole = shared / np.sqrt((left + n * NOISE) * (right + n * NOISE))
    structure, residual = judge(sums, shared / max(left, 1.0))
    direct = np.sqrt(max(pp + qq - 2 * pq, 0.0) / n)
    return agreed(whole, structure, residual * (1.0 + max(direct - residual, 0.0) / LIGHT) / RESIDUAL)


@compiled
def hues_differ(one: np.ndarray, other: np.ndarray, orientation: int) -> bool:
    """Whether both pictures are coloured and differ more in Cb and Cr than they share (128 is no colour)."""
    first, second, apart = 0, 0, 0
    turn = COLOUR_TURNS[orientation]
    for cell in range(CELLS * CELLS):
        for channel in range(2):
            p = int(one[EDGE * EDGE + 2 * turn[cell] + channel]) - 128
            q = int(other[EDGE * EDGE + 2 * cell + channel]) - 128
            first += abs(p)
            second += abs(q)
            apart += abs(p - q)
    grey = GREY * CELLS * CELLS
    return first > grey and second > grey and 2 * apart > first + second


@compiled
def same_bytes(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two thumbnails are equal, colours included. Flat pictures agree only then."""
    for k in range(one.shape[0]):  # noqa: SIM110 - numba knows no all()
        if one[k] != other[k]:
            return False
    return True


@compiled
def similarity(one: np.ndarray, other: np.ndarray, orientation: int, view: int) -> float:
    """Similarity, 0 to 1, of thumbnail `one` turned by `orientation` with thumbnail `other` (uint8 [bytes]).

    view: where the alignment starts, one of

    - an index of BOXES;
    - SEARCH: the best of all BOXES;
    - STILL: no alignment, only the light may differ;
    - MARKED: BOXES[0], the identity, however badly it fits.
    """
    if orientation == 0 and same_bytes(one, other):
        return 1.0
    a, b = np.empty((EDGE, EDGE), np.float32), np.empty((EDGE, EDGE), np.float32)
    unpack(one, orientation, a)
    unpack(other, 0, b)
    return aligned(a, b, view)


@compiled
def view_similarity(one: np.ndarray, other: np.ndarray, orientation: int, view: int, aspect: float) -> float:
    """Similarity of thumbnail `one`, turned by `orientation`, with what is seen of `other` through a view.

    view: index of view_windows.VIEWS. aspect: width of the other picture divided by its height.
    """
    grey, a, b = np.empty((3, EDGE, EDGE), np.float32)
    unpack(one, orientation, grey)
    see(grey, SEEN[view, 0], 1.0, a)
    unpack(other, 0, grey)
    see(grey, SEEN[view, 1], aspect, b)
    return aligned(a, b, 0)


@compiled
def aligned(a: np.ndarray, b: np.ndarray, view: int) -> float:
    """Similarity of two pictures, float32 [EDGE, EDGE], after they were aligned as `similarity` says."""
    box, work, sums = np.zeros(4, np.float32), np.empty((67, EDGE), np.float32), np.empty((8, 8, 6), np.float32)
    if view == STILL:
        return still(a, b, sums, work)
    first = start(a, b, view, box, work)
    if first < HOPELESS and view >= 0:
        return 0.0
    whole, gain = fit(a, b, box, work, 1 if first >= PERFECT else STEPS)
    block_sums(a, b, box, work[14:18], sums)
    structure, residual = judge(sums, gain)
    return agreed(whole, structure, residual / RESIDUAL)


@compiled
def agreed(whole: float, structure: float, miss: float) -> float:
    """The smallest of the three scores. miss: the residual as a share of RESIDUAL."""
    return max(0.0, min(whole, structure, 1.0 - miss))


@compiled
def other_hues(thumbnails: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Whether the two pictures of each pair, int32 [k, 4] as `similarities` takes them, have other hues: bool [k]."""
    out = np.empty(pairs.shape[0], np.bool_)
    for k in range(pairs.shape[0]):
        out[k] = hues_differ(thumbnails[pairs[k, 0]], thumbnails[pairs[k, 1]], pairs[k, 2])
    return out


@compiled
def similarities(thumbnails: np.ndarray, contents: tuple[np.ndarray, np.ndarray], pairs: np.ndarray) -> np.ndarray:
    """Similarity, float32 [k], of pairs int32 [k, 4]: row that is turned, row, orientation, view.

    contents: for the views of view_windows, thumbnails without their frames, and their width divided by their height.
    """
    out = np.empty(pairs.shape[0], np.float32)
    seen, aspects = contents
    for k in range(pairs.shape[0]):
        one, other, orientation, view = pairs[k, 0], pairs[k, 1], pairs[k, 2], pairs[k, 3]
        if view < FIRST:
            out[k] = similarity(thumbnails[one], thumbnails[other], orientation, view)
        else:
            out[k] = view_similarity(seen[one], seen[other], orientation, view - FIRST, aspects[other])
    return out


__all__ = ["EDGE", "MARKED", "SEARCH", "STILL", "other_hues", "similarities", "similarity", "view_similarity"]
