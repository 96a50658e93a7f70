"""Shift and scale one thumbnail until it fits another, before the two are compared.

A few Gauss-Newton steps estimate six numbers together: shift and scale (across and down), gain and offset of the
light. The method is that of Lucas and Kanade (1981) and of ECC alignment (Evangelidis and Psarakis 2008). Each cell is
weighted by how well it fits, so a watermark has little influence. All sums run over columns first and then over rows,
in a fixed order: this vectorises, and every machine gets the same bits.
"""

import numpy as np

from curation.dedupe.hash_kernels import compiled

EDGE = 32  # cells across and down of the grey thumbnail
STEPS = 6
MAX_SCALE, MAX_SHIFT = 0.16, 2.6
MIN_WEIGHT = 0.3  # share of the cells that must overlap and fit
NOISE = 2.0  # variance, in squared grey levels, that re-encoding adds; flat pictures then can't agree by chance
LOOSE = 0.4  # a residual of this share of the contrast halves the weight of a cell
PERFECT = 0.995  # a start that scores more needs no alignment
SEARCH, STILL, MARKED = -1, -2, -3

# What a crop does to the frame: scale and shift across, scale and shift down, in cells.
CROP = 0.045
_INNER, _OUTER = -2 * CROP, 2 * CROP / (1 - 2 * CROP)
_TRIM, _GROW = -CROP, CROP / (1 - CROP)
_SHIFTS = [(x, y) for x in (-1.0, 1.0) for y in (-1.0, 1.0)]
BOXES = np.array(
    [(0.0, 0.0, 0.0, 0.0), (_INNER, 0.0, _INNER, 0.0), (_OUTER, 0.0, _OUTER, 0.0)]
    + [(s, x * abs(s) * EDGE / 2, s, y * abs(s) * EDGE / 2) for s in (_TRIM, _GROW) for x, y in _SHIFTS],
    np.float32,
)


def turns(edge: int) -> np.ndarray:
    """Where each cell of a turned square comes from, int32 [8, edge * edge]: mirrored from 4 on, then turned left."""
    cells = np.arange(edge * edge, dtype=np.int32).reshape(edge, edge)
    return np.stack([np.rot90(cells[:, ::-1] if k >= 4 else cells, k % 4).ravel() for k in range(8)])


TURNS = turns(EDGE)


@compiled
def unpack(thumbnail: np.ndarray, orientation: int, grey: np.ndarray) -> None:
    """Write the grey part of a thumbnail, turned, into grey: float32 [EDGE, EDGE]."""
    turn = TURNS[orientation]
    for y in range(EDGE):
        for x in range(EDGE):
            grey[y, x] = thumbnail[turn[y * EDGE + x]]


@compiled
def sample(b: np.ndarray, box: np.ndarray, y: int, rows: np.ndarray) -> bool:
    """Row y of b through the box: rows[0] values, rows[1] slopes across, rows[2] slopes down, rows[3] inside or not.

    box: scale and shift across, scale and shift down; all 0 is the identity. False when the whole row lies outside.
    """
    middle = np.float32((EDGE - 1) / 2)
    v = middle + (np.float32(1.0) + box[2]) * (np.float32(y) - middle) + box[3]
    if v < 0.0 or v > EDGE - 1:
        return False
    v0 = min(int(v), EDGE - 2)
    down = v - np.float32(v0)
    up, low = b[v0], b[v0 + 1]
    for x in range(EDGE):
        u = middle + (np.float32(1.0) + box[0]) * (np.float32(x) - middle) + box[1]
        inside = u >= 0.0 and u <= EDGE - 1
        u0 = min(max(int(u), 0), EDGE - 2)
        right = u - np.float32(u0)
        left_value = up[u0] + down * (low[u0] - up[u0])
        right_value = up[u0 + 1] + down * (low[u0 + 1] - up[u0 + 1])
        left_slope, right_slope = low[u0] - up[u0], low[u0 + 1] - up[u0 + 1]
        rows[0, x] = left_value + right * (right_value - left_value)
        rows[1, x] = right_value - left_value
        rows[2, x] = left_slope + right * (right_slope - left_slope)
        rows[3, x] = np.float32(1.0) if inside else np.float32(0.0)
    return True


@compiled
def moments(a: np.ndarray, b: np.ndarray, box: np.ndarray, light: np.ndarray, work: np.ndarray, first: int) -> None:
    """Fill work's matrix [7, 7] with weighted products of (four slopes, -a, -1, b's values) over all cells.

    Only from row and column `first` on: a correlation needs the last three. light: gain, offset and tolerance of the
    fit so far; a tolerance of 0 weighs all cells alike. work: float32 [7 + 7 + 4 + 49, EDGE]: the seven columns, the
    same weighted, sampled rows, sums by column.
    """
    middle = np.float32((EDGE - 1) / 2)
    columns, weighted, rows, sums = work[:7], work[7:14], work[14:18], work[18:]
    sums[:] = np.float32(0.0)
    one = np.float32(1.0)
    for y in range(EDGE):
        if not sample(b, box, y, rows):
            continue
        for x in range(EDGE):
            value = rows[0, x]
            columns[0, x] = rows[1, x] * (np.float32(x) - middle)
            columns[1, x] = rows[1, x]
            columns[2, x] = rows[2, x] * (np.float32(y) - middle)
            columns[3, x] = rows[2, x]
            columns[4, x] = -a[y, x]
            columns[5, x] = -one
            columns[6, x] = value
            miss = (value - light[0] * a[y, x] - light[1]) * light[2]
            rows[3, x] = rows[3, x] / (one + miss * miss)
        for i in range(first, 7):
            for x in range(EDGE):
                weighted[i, x] = columns[i, x] * rows[3, x]
        for i in range(first, 7):
            for j in range(i, 7):
                for x in range(EDGE):
                    sums[i * 7 + j, x] += weighted[i, x] * columns[j, x]


@compiled
def correlation(matrix: np.ndarray) -> float:
    """Weighted correlation of the two pictures, with the noise variance added to both; 0 where they hardly overlap."""
    n, a, b = matrix[5, 5], matrix[4, 5], -matrix[5, 6]
    aa, bb, ab = matrix[4, 4], matrix[6, 6], -matrix[4, 6]
    if n < MIN_WEIGHT * EDGE * EDGE:
        return 0.0
    spread = (aa - a * a / n + n * NOISE) * (bb - b * b / n + n * NOISE)
    return float((ab - a * b / n) / np.sqrt(spread))


@compiled
def gather(work: np.ndarray, matrix: np.ndarray) -> None:
    """Add the sums by column up, in order, into the symmetric matrix [7, 7]."""
    for i in range(7):
        for j in range(i, 7):
            total = 0.0
            for x in range(EDGE):
                total += work[18 + i * 7 + j, x]
            matrix[i, j] = total
            matrix[j, i] = total


@compiled
def solve(matrix: np.ndarray, answer: np.ndarray) -> None:
    """Solve the damped least squares of the moments: how box (4) and light (gain, offset) should change."""
    normal = matrix[:6, :6].copy()
    for i in range(6):
        answer[i] = -matrix[i, 6]
        normal[i, i] = normal[i, i] * 1.001 + 1e-3
    for i in range(6):
        for k in range(i + 1, 6):
            factor = normal[k, i] / normal[i, i]
            for j in range(i, 6):
                normal[k, j] -= factor * normal[i, j]
            answer[k] -= factor * answer[i]
    for i in range(5, -1, -1):
        for j in range(i + 1, 6):
            answer[i] -= normal[i, j] * answer[j]
        answer[i] /= normal[i, i]


@compiled
def fit(a: np.ndarray, b: np.ndarray, box: np.ndarray, work: np.ndarray, steps: int) -> tuple[float, float]:
    """Move `box` from where it is to where b fits a best; return the correlation and the gain of a there."""
    matrix, answer = np.empty((7, 7)), np.empty(6)
    light, trial = np.zeros(3, np.float32), box.copy()
    best, gain = -1.0, 1.0
    for step in range(steps + 1):
        moments(a, b, trial, light, work, 0 if steps else 4)
        gather(work, matrix)
        found = correlation(matrix)
        n = max(matrix[5, 5], 1.0)
        if found > best:
            best, gain = found, slope(matrix, n)
            box[:] = trial
        if step == steps or n < MIN_WEIGHT * EDGE * EDGE:
            break
        solve(matrix, answer)
        for k in range(4):
            limit = MAX_SHIFT if k % 2 else MAX_SCALE
            trial[k] = min(max(trial[k] + answer[k], -limit), limit)
        contrast = np.sqrt(max(matrix[6, 6] / n - (matrix[5, 6] / n) ** 2, 0.0))
        light[0], light[1], light[2] = answer[4], answer[5], 1.0 / (LOOSE * contrast + 3.0)
    return best, gain


@compiled
def slope(matrix: np.ndarray, n: float) -> float:
    """Gain of a that fits b best, from the moments."""
    shared = -matrix[4, 6] + matrix[4, 5] * matrix[5, 6] / n
    return float(shared / max(matrix[4, 4] - matrix[4, 5] * matrix[4, 5] / n, 1.0))


@compiled
def start(a: np.ndarray, b: np.ndarray, view: int, box: np.ndarray, work: np.ndarray) -> float:
    """Set the box to the start that `view` names, or for SEARCH to the best of all; return the correlation there."""
    trial = np.empty(4, np.float32)
    best = -1.0
    for k in range(BOXES.shape[0]):
        if view in (SEARCH, k) or (view == MARKED and k == 0):
            trial[:] = BOXES[k]
            found = fit(a, b, trial, work, 0)[0]
            if found > best:
                best = found
                box[:] = BOXES[k]
            if k == 0 and found >= PERFECT:
                break
    return best
