"""What the raw colours of two registered pictures say: hues that turned, areas that stayed, how many tones."""

from typing import NamedTuple

import cv2
import numpy as np

from curation.dedupe.verification.compared_picture import YCC, Reals
from curation.dedupe.verification.overlap import Overlap

COLOURED = 12  # chroma from which a pixel has a hue
TURNED = 0.6  # radians by which a hue has turned
SAME = 4  # grey levels up to which a pixel is unchanged
TONES, LEAST_SHADE = 16, 6  # and the grey levels that a shade has at least
OUTSIDE = 0.01  # share of the pixels that are darker, or brighter, than the shades
RARE = 0.015  # share of the pixels below which a tone does not count


class Colours(NamedTuple):
    """turned: share of all pixels whose hue turned; of_coloured: the same of those that have a hue in both.

    hued: share of all pixels that have a hue in both. same: share of pixels that stayed as they were. tones: of 16, how
    many the richer picture has. shades: the same, of 16 between the darkest and the brightest percent of it.
    """

    turned: float
    of_coloured: float
    hued: float
    same: float
    tones: int
    shades: int


def colours(pair: Overlap) -> Colours:
    """Compare the colours of a pair, before any light is explained."""
    both = pair.both[::2, ::2]
    count = int(both.sum())
    one, other = (
        cv2.GaussianBlur(np.ascontiguousarray(picture[::2, ::2]), (0, 0), 0.8) for picture in (pair.one, pair.other)
    )
    (grey, *left), (light, *right) = (
        [np.asarray(cv2.transform(picture, row[None])) for row in YCC] for picture in (one, other)
    )
    chroma, saturation = (colour[0] * colour[0] + colour[1] * colour[1] for colour in (left, right))
    hued = both & (cv2.min(chroma, saturation) > COLOURED**2)
    shared = left[0] * right[0] + left[1] * right[1]
    turned = int((hued & (shared < np.float32(np.cos(TURNED)) * cv2.sqrt(chroma * saturation))).sum())
    coloured = int(hued.sum())
    apart = cv2.absdiff(one, other)
    same = cv2.max(cv2.max(apart[..., 0], apart[..., 1]), apart[..., 2]) < SAME
    return Colours(
        turned / count,
        turned / max(coloured, 1),
        coloured / count,
        int((same & both).sum()) / count,
        *np.maximum(_tones(grey[both]), _tones(light[both])).tolist(),
    )


def _tones(grey: Reals) -> tuple[int, int]:
    """The tones of all grey levels, and those of the levels that are used: a pale photograph has as many as another."""
    levels = np.bincount(np.clip(grey, 0, 255).astype(np.uint8), minlength=256)
    low, high = np.searchsorted(np.cumsum(levels), (OUTSIDE * len(grey), (1 - OUTSIDE) * len(grey)))
    shade = max((high - low + 1) / TONES, LEAST_SHADE)
    tones, shades = np.arange(256) // (256 // TONES), np.clip((np.arange(256) - low) // shade, 0, TONES - 1)
    counts = (np.bincount(one.astype(np.intp), levels, TONES) for one in (tones, shades))
    first, second = (int((one > RARE * len(grey)).sum()) for one in counts)
    return first, second
