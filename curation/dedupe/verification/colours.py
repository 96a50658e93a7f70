"""What the raw colours of two registered pictures say: hues that turned, areas that stayed, how many tones."""

from typing import NamedTuple

import cv2
import numpy as np

from curation.dedupe.verification.compared_picture import YCC, Reals
from curation.dedupe.verification.overlap import Overlap

COLOURED = 12  # chroma from which a pixel has a hue
TURNED = 0.6  # radians by which a hue has turned
SAME = 4  # grey levels up to which a pixel is unchanged
TONE = 16  # grey levels of a tone
RARE = 0.015  # share of the pixels below which a tone does not count


class Colours(NamedTuple):
    """turned: share of all pixels whose hue turned; of_coloured: the same of those that have a hue in both.

    hued: share of all pixels that have a hue in both. same: share of pixels that stayed as they were. tones: of 16, how
    many the richer picture has.
    """

    turned: float
    of_coloured: float
    hued: float
    same: float
    tones: int


def colours(pair: Overlap) -> Colours:
    """Compare the colours of a pair, before any light is explained."""
    both = pair.both[::2, ::2]
    one, other = (cv2.GaussianBlur(picture[::2, ::2], (0, 0), 0.8)[both] for picture in (pair.one, pair.other))
    left, right = one @ YCC.T, other @ YCC.T
    hued = (np.hypot(left[:, 1], left[:, 2]) > COLOURED) & (np.hypot(right[:, 1], right[:, 2]) > COLOURED)
    angle = np.arctan2(left[:, 1], left[:, 2]) - np.arctan2(right[:, 1], right[:, 2])
    turned = hued & (np.abs((angle + np.pi) % (2 * np.pi) - np.pi) > TURNED)
    return Colours(
        float(turned.mean()),
        float(turned.sum() / max(int(hued.sum()), 1)),
        float(hued.mean()),
        float((np.maximum.reduce(np.abs(one - other).T) < SAME).mean()),
        max(_tones(left[:, 0]), _tones(right[:, 0])),
    )


def _tones(grey: Reals) -> int:
    counts = np.bincount(np.clip(grey // TONE, 0, 15).astype(int), minlength=16)
    return int((counts > RARE * len(grey)).sum())
