"""Pictures within a frame: bars, padding, the screen of a phone. It gives the thumbnail of what is inside.

The ground is the grey level that most cells at the border have. A row is empty where its cells have the level of the
ground. The content is the block of rows that differs most from the ground, if it differs more than all other blocks
together (a line of text on a screen is such another block), and in it the block of columns. An edge lies where the
difference from the ground reaches half of what it is inside, so it is found to a part of a cell.
"""

import numpy as np

from curation.dedupe.hash_kernels import compiled
from curation.dedupe.thumbnail_alignment import EDGE, unpack
from curation.dedupe.views.view_windows import see

COLOURS = 8  # cells across and down of the colours
NEAR = 6  # grey levels from the ground that a cell of the ground has at most
SHARE = 0.5  # of the cells at the border that must have the level of the ground
EMPTY = 6.0  # mean difference in grey levels below which a row is empty, or EMPTY_SHARE of the largest difference
EMPTY_SHARE = 0.05
LEAST = 7.0  # cells that the content is wide and high at least
CUT = 0.6  # cells that are empty at both sides together at least


@compiled
def contents(thumbnails: np.ndarray, sides: np.ndarray, out: np.ndarray, aspects: np.ndarray) -> None:
    """Fill `out` (uint8 [n, bytes]) and `aspects` (float32 [n]) with what lies inside the frames.

    A picture without a frame stays as it is. sides: float32 [n, 2], width and height in pixels.
    """
    grey, seen = np.empty((EDGE, EDGE), np.float32), np.empty((EDGE, EDGE), np.float32)
    view = np.zeros(6, np.float32)
    view[4] = 1.0
    for n in range(thumbnails.shape[0]):
        out[n] = thumbnails[n]
        aspects[n] = sides[n, 0] / max(sides[n, 1], np.float32(1.0))
        unpack(thumbnails[n], 0, grey)
        ground = ground_level(grey)
        if ground < 0.0:
            continue
        top, bottom = block(np.abs(grey - ground), 0, EDGE)
        left, right = block(np.abs(grey - ground).T, int(top), min(int(np.ceil(bottom)), EDGE))
        wide, high = right - left, bottom - top
        if wide < LEAST or high < LEAST or wide + high > 2 * EDGE - CUT:
            continue
        view[0], view[1], view[2], view[3] = left / EDGE, top / EDGE, wide / EDGE, high / EDGE
        see(grey, view, 1.0, seen)
        for y in range(EDGE):
            for x in range(EDGE):
                out[n, y * EDGE + x] = np.uint8(min(max(seen[y, x] + 0.5, 0.0), 255.0))
        see_colours(thumbnails[n], view, out[n])
        aspects[n] *= wide / high


@compiled
def see_colours(thumbnail: np.ndarray, view: np.ndarray, out: np.ndarray) -> None:
    """Write the colour cells that lie in the middle of each part of a view into `out`."""
    for y in range(COLOURS):
        for x in range(COLOURS):
            across = int((view[0] + (x + 0.5) / COLOURS * view[2]) * COLOURS)
            down = int((view[1] + (y + 0.5) / COLOURS * view[3]) * COLOURS)
            for channel in range(2):
                at = EDGE * EDGE + 2 * (y * COLOURS + x) + channel
                out[at] = thumbnail[EDGE * EDGE + 2 * (down * COLOURS + across) + channel]


@compiled
def ground_level(grey: np.ndarray) -> float:
    """The level that most cells at the border have, or -1 where too few of them agree."""
    border = np.concatenate((grey[0], grey[EDGE - 1], grey[1 : EDGE - 1, 0], grey[1 : EDGE - 1, EDGE - 1]))
    most, level = 0, -1.0
    for middle in border:
        near = 0
        for other in border:
            near += abs(other - middle) <= NEAR
        if near > most:
            most, level = near, float(middle)
    return level if most >= SHARE * border.shape[0] else -1.0


@compiled
def block(apart: np.ndarray, first: int, last: int) -> tuple[float, float]:
    """Where the largest block of rows that are not empty begins and ends; the whole where no block is large enough.

    apart: float32 [EDGE, EDGE], differences from the ground. Only the columns from `first` to `last` count.
    """
    rows = np.empty(EDGE, np.float32)
    for y in range(EDGE):
        total = np.float32(0.0)
        for x in range(first, last):
            total += apart[y, x]
        rows[y] = total / np.float32(max(last - first, 1))
    least = max(EMPTY, EMPTY_SHARE * rows.max())
    start, low, high, inside = 0, 0, 0, False
    best = all_of_them = total = np.float32(0.0)
    for y in range(EDGE + 1):
        full = y < EDGE and rows[min(y, EDGE - 1)] >= least
        if full and not inside:
            start, total = y, np.float32(0.0)
        if full:
            total += rows[y]
            all_of_them += rows[y]
        if inside and not full and total > best:
            best, low, high = total, start, y
        inside = full
    if 2 * best <= all_of_them or best == 0.0:
        return 0.0, float(EDGE)
    return edge(rows, low), EDGE - edge(rows[::-1], EDGE - high)


@compiled
def edge(rows: np.ndarray, low: int) -> float:
    """Where the difference from the ground reaches half of what it is inside, at or near row `low`."""
    if low == 0:
        return 0.0
    half = max(rows[low], rows[min(low + 1, EDGE - 1)], rows[min(low + 2, EDGE - 1)]) / 2
    y = low
    while y < EDGE - 1 and rows[y] < half:
        y += 1
    below = rows[y - 1]
    return float(y - 0.5 + (half - below) / max(rows[y] - below, np.float32(1.0)))
