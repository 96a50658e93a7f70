"""The windows through which pictures are seen, and a thumbnail seen through one of them.

A crop moves every edge of a picture, so its hash has little in common with that of the original. But the original, seen
through a window like the crop's, has the hash of the crop. The same holds for padding (the padded picture is seen
through a window) and for a rotation by a few degrees (a part of one picture is turned). The windows were chosen
greedily: of some 700, those that together bring most edits of 227 photographs near their originals
(benchmarks/relations.py measures what they find on others).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.hash_kernels import compiled
from curation.dedupe.thumbnail_alignment import BOXES, EDGE

FIRST = len(BOXES)  # number of the first view: smaller numbers are indices of BOXES


class View(NamedTuple):
    """Shares that are cut off at each side, the angle in degrees, and whether it is compared with a picture's centre.

    The other picture is seen as a whole, or through the window CENTRE.
    """

    left: float
    right: float
    top: float
    bottom: float
    angle: float = 0.0
    centre: bool = False


def _turned(angle: float, share: float, *, centre: bool) -> View:
    """A turned window of `share` of both sides, in the middle."""
    cut = (1 - share) / 2
    return View(cut, cut, cut, cut, angle, centre)


_ONE_SIDE: tuple[tuple[float, float, float, float], ...] = (
    *((0, 0.15, 0, 0), (0.15, 0, 0, 0), (0, 0.1, 0, 0.1), (0, 0.1, 0.06, 0), (0.1, 0, 0, 0.1), (0.1, 0, 0.1, 0)),
    *((0, 0.15, 0.15, 0), (0, 0.15, 0, 0.2), (0.15, 0, 0.2, 0), (0.15, 0, 0, 0.15)),
    *((0, 0.2, 0, 0.15), (0, 0.2, 0.15, 0), (0.2, 0, 0, 0.2)),
)
_UNEVEN: tuple[tuple[float, float, float, float], ...] = (
    *((0.1, 0.05, 0.045, 0.045), (0.1, 0.05, 0.1, 0), (0.05, 0.1, 0.05, 0.1), (0.05, 0.15, 0.05, 0.1)),
    *((0.045, 0.045, 0.15, 0), (0.1, 0.15, 0.06, 0), (0.15, 0.05, 0.05, 0.1)),
)
WHOLE = View(0, 0, 0, 0)
CENTRE = _turned(0.0, 0.8, centre=False)
VIEWS = (
    WHOLE,
    *(View(0, 0, cut, cut) for cut in (0.125, 0.167, 0.21)),
    *(View(cut, cut, 0, 0) for cut in (0.167, 0.21)),
    *(View(cut, cut, cut, cut) for cut in (0.045, 0.08, 0.125)),
    *(View(0.125, 0.125, top, bottom) for top, bottom in ((0.167, 0.167), (0.05, 0.15))),
    *(View(0, 0, 0, cut) for cut in (0.06, 0.15)),
    *(View(*window) for window in _ONE_SIDE),
    *(View(*window) for window in _UNEVEN),
    *(_turned(angle, 0.8, centre=True) for angle in (3.0, 6.0)),
    _turned(7.5, 0.75, centre=True),
    _turned(7.0, 0.8, centre=False),
)


def numbers(view: View) -> NDArray[np.float32]:
    """What `see` needs of a view, float32 [6]: where it starts across and down, its sides, cosine and sine."""
    angle = np.radians(view.angle)
    sides = 1 - view.left - view.right, 1 - view.top - view.bottom
    return np.array([view.left, view.top, *sides, np.cos(angle), np.sin(angle)], np.float32)


# For similarity: [views, 2, 6], what is seen of the first picture and of the second.
SEEN = np.stack([np.stack([numbers(CENTRE if view.centre else WHOLE), numbers(view)]) for view in VIEWS])


@compiled
def see(grey: np.ndarray, view: np.ndarray, aspect: float, out: np.ndarray) -> None:
    """Fill out [EDGE, EDGE] with a picture seen through a view.

    grey: float32 [EDGE, EDGE], the picture squeezed into a square. aspect: its width divided by its height. Both are
    needed because a turn does not keep a squeezed picture's proportions.
    """
    half, edge, last = np.float32(0.5), np.float32(EDGE), np.float32(EDGE - 1)
    wide = np.float32(aspect)
    step = view[2] / edge
    to_right, to_below = view[4] * view[2], view[5] * view[2] * wide  # how far a step across moves, in cells
    for y in range(EDGE):
        v = view[1] + (np.float32(y) + half) / edge * view[3] - half
        u = (view[0] + half * step - half) * wide
        first_across = ((view[4] * u - view[5] * v) / wide + half) * edge - half
        first_down = (view[5] * u + view[4] * v + half) * edge - half
        for x in range(EDGE):
            across = min(max(first_across + np.float32(x) * to_right, np.float32(0.0)), last)
            down = min(max(first_down + np.float32(x) * to_below, np.float32(0.0)), last)
            x0, y0 = min(np.uint32(across), np.uint32(EDGE - 2)), min(np.uint32(down), np.uint32(EDGE - 2))
            right, low = across - np.float32(x0), down - np.float32(y0)
            upper = grey[y0, x0] + right * (grey[y0, x0 + 1] - grey[y0, x0])
            lower = grey[y0 + 1, x0] + right * (grey[y0 + 1, x0 + 1] - grey[y0 + 1, x0])
            out[y, x] = upper + low * (lower - upper)
