"""Do two thumbnails show the same picture? The compiled measure behind every verification.

Normalised cross-correlation of the grey thumbnails, after the second has been shifted and scaled (across and down
apart) to fit the first: a few Gauss-Newton steps on position and brightness together, after Lucas and Kanade (1981) and
the ECC alignment of Evangelidis and Psarakis (2008). That makes it robust to re-encoding, resizing, brightness and
small crops. Colour is a guard, not a vote: two coloured pictures of different hue disagree, a grey copy does not.
"""

import numpy as np

from curation.dedupe.kernels import compiled

SIDE = 32  # of the grey thumbnail
CELLS = 8  # of the colour thumbnail
CENTRE = (SIDE - 1) / 2
LOSSLESS = 0.999  # agreement from which alignment has nothing to add
HOPELESS = 0.2  # agreement below which it can't help
STEPS = 6
MAX_SCALE = 0.15
MAX_SHIFT = 2.5
MIN_OVERLAP = 0.6
GREY = 6  # |Cb| + |Cr| a cell, up to which a picture counts as grey
NOISE = 4.0  # variance, in squared grey levels, that re-encoding adds: flat pictures can't agree by chance


@compiled
def source_cell(y: int, x: int, orientation: int, side: int) -> tuple[int, int]:
    """Where cell (y, x) of the turned square comes from: mirrored from 4 on, then turned left orientation % 4 times."""
    for _ in range(orientation % 4):
        y, x = x, side - 1 - y
    if orientation >= 4:
        x = side - 1 - x
    return y, x


@compiled
def unpack(thumbnail: np.ndarray, orientation: int, grey: np.ndarray) -> None:
    """Write the grey part of a thumbnail, turned, into grey: float32 [SIDE, SIDE]."""
    for y in range(SIDE):
        for x in range(SIDE):
            v, u = source_cell(y, x, orientation, SIDE)
            grey[y, x] = thumbnail[v * SIDE + u]


@compiled
def correlation(sums: np.ndarray) -> float:
    """Correlation from (sum a, sum b, sum aa, sum bb, sum ab, count), with the noise variance added to both."""
    a, b, aa, bb, ab, n = sums
    if n < MIN_OVERLAP * SIDE * SIDE:
        return 0.0
    return float((ab - a * b / n) / np.sqrt((aa - a * a / n + n * NOISE) * (bb - b * b / n + n * NOISE)))


@compiled
def warp(
    a: np.ndarray, b: np.ndarray, box: np.ndarray, normal: np.ndarray, right: np.ndarray, sums: np.ndarray
) -> float:
    """Sample b where `box` (scale x, shift x, scale y, shift y; all 0 is the identity) puts a's cells; correlate.

    Fills sums and the normal equations [6, 6], [6] of one Gauss-Newton step in the box and in a's gain and offset.
    """
    sums[:] = 0.0
    normal[:] = 0.0
    right[:] = 0.0
    slope = np.empty(6, np.float32)
    for y in range(SIDE):
        v = CENTRE + (1.0 + box[2]) * (y - CENTRE) + box[3]
        if v < 0.0 or v > SIDE - 1:
            continue
        v0 = min(int(v), SIDE - 2)
        fv = np.float32(v - v0)
        for x in range(SIDE):
            u = CENTRE + (1.0 + box[0]) * (x - CENTRE) + box[1]
            if u < 0.0 or u > SIDE - 1:
                continue
            u0 = min(int(u), SIDE - 2)
            fu = np.float32(u - u0)
            left_step, right_step = b[v0, u0 + 1] - b[v0, u0], b[v0 + 1, u0 + 1] - b[v0 + 1, u0]
            top, bottom = b[v0, u0] + fu * left_step, b[v0 + 1, u0] + fu * right_step
            value, q = top + fv * (bottom - top), a[y, x]
            sums[0] += q
            sums[1] += value
            sums[2] += q * q
            sums[3] += value * value
            sums[4] += q * value
            sums[5] += 1.0
            slope[1] = left_step + fv * (right_step - left_step)
            slope[0] = slope[1] * np.float32(x - CENTRE)
            slope[3] = bottom - top
            slope[2] = slope[3] * np.float32(y - CENTRE)
            slope[4] = -q
            slope[5] = np.float32(-1.0)
            for i in range(6):
                right[i] -= slope[i] * value
                for j in range(i, 6):
                    normal[i, j] += slope[i] * slope[j]
    return correlation(sums)


@compiled
def solve(normal: np.ndarray, right: np.ndarray) -> None:
    """Solve the 6 x 6 system in place (upper triangle given), lightly damped; the answer is left in `right`."""
    for i in range(6):
        for j in range(i):
            normal[i, j] = normal[j, i]
        normal[i, i] = normal[i, i] * 1.001 + 1e-6
    for i in range(6):
        for k in range(i + 1, 6):
            factor = normal[k, i] / normal[i, i]
            for j in range(i, 6):
                normal[k, j] -= factor * normal[i, j]
            right[k] -= factor * right[i]
    for i in range(5, -1, -1):
        for j in range(i + 1, 6):
            right[i] -= normal[i, j] * right[j]
        right[i] /= normal[i, i]


@compiled
def aligned(a: np.ndarray, b: np.ndarray) -> float:
    """Best correlation of float32 [SIDE, SIDE] pictures over small shifts and scales."""
    normal, right, sums = np.empty((6, 6)), np.empty(6), np.empty(6)
    box, start = np.zeros(4), np.zeros(4)
    best = warp(a, b, box, normal, right, sums)
    if best >= LOSSLESS or best < HOPELESS:
        return max(best, 0.0)
    for scale in (-0.08, 0.08):
        box[:] = 0.0
        box[0] = box[2] = scale
        found = warp(a, b, box, normal, right, sums)
        if found > best:
            best = found
            start[:] = box
    box[:] = start
    for _ in range(STEPS):
        found = warp(a, b, box, normal, right, sums)
        best = max(best, found)
        solve(normal, right)
        for k in range(4):
            limit = MAX_SHIFT if k % 2 else MAX_SCALE
            box[k] = min(max(box[k] + right[k], -limit), limit)
    return max(best, warp(a, b, box, normal, right, sums))


@compiled
def same_bytes(one: np.ndarray, other: np.ndarray, orientation: int) -> bool:
    """Whether two thumbnails are equal, colours included: what flat pictures must be to agree."""
    if orientation != 0:
        return False
    for k in range(one.shape[0]):  # noqa: SIM110 - numba knows no all()
        if one[k] != other[k]:
            return False
    return True


@compiled
def hues_differ(one: np.ndarray, other: np.ndarray, orientation: int) -> bool:
    """Whether both pictures are coloured and their colours have less in common than not (Cb, Cr; 128 is none)."""
    first, second, apart = 0, 0, 0
    for y in range(CELLS):
        for x in range(CELLS):
            v, u = source_cell(y, x, orientation, CELLS)
            for channel in range(2):
                p = int(one[SIDE * SIDE + 2 * (v * CELLS + u) + channel]) - 128
                q = int(other[SIDE * SIDE + 2 * (y * CELLS + x) + channel]) - 128
                first += abs(p)
                second += abs(q)
                apart += abs(p - q)
    grey = GREY * CELLS * CELLS
    return first > grey and second > grey and 2 * apart > first + second


@compiled
def similarity(one: np.ndarray, other: np.ndarray, orientation: int) -> float:
    """Agreement, 0 to 1, of thumbnail `one` turned by `orientation` with thumbnail `other` (uint8 [bytes])."""
    if same_bytes(one, other, orientation):
        return 1.0
    if hues_differ(one, other, orientation):
        return 0.0
    a, b = np.empty((SIDE, SIDE), np.float32), np.empty((SIDE, SIDE), np.float32)
    unpack(one, orientation, a)
    unpack(other, 0, b)
    return min(aligned(a, b), 1.0)


@compiled
def similarities(thumbnails: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Similarity, float32 [k], of pairs int32 [k, 3] (row that is turned, row, orientation)."""
    out = np.empty(pairs.shape[0], np.float32)
    for k in range(pairs.shape[0]):
        out[k] = similarity(thumbnails[pairs[k, 0]], thumbnails[pairs[k, 1]], pairs[k, 2])
    return out
