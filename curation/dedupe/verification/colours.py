"""What the raw colours of two registered pictures say: hues that turned, areas that stayed, how many tones."""

from typing import NamedTuple

import cv2
import numpy as np

from curation.dedupe.verification.compared_picture import Pixels, Reals
from curation.dedupe.verification.overlap import Overlap
from curation.dedupe.verification.residuals import YCC

COLOURED = 12  # chroma from which a pixel has a hue
TURNED = 0.6  # radians by which a hue has turned
SAME = 4  # grey levels up to which a pixel is unchanged
TONE = 16  # grey levels of a tone
RARE = 0.015  # share of the pixels below which a tone does not count
FAINT_COLOUR, ONE_HUE = 6, 0.97  # chroma, and agreement of hues, of a picture of one hue


class Colours(NamedTuple):
    """turned: share of all pixels whose hue turned; of_coloured: the same of those that have a hue in both.

    same: share of pixels that stayed as they were; tones: of 16, how many the richer picture has.
    """

    turned: float
    of_coloured: float
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
        float((np.abs(one - other).max(1) < SAME).mean()),
        max(_tones(left[:, 0]), _tones(right[:, 0])),
    )


def _tones(grey: Reals) -> int:
    counts = np.bincount(np.clip(grey // TONE, 0, 15).astype(int), minlength=16)
    return int((counts > RARE * len(grey)).sum())


def is_of_one_hue(pixels: Pixels) -> bool:
    """Whether a picture, uint8 [h, w, 3], is grey or of one hue, as a sepia copy is."""
    small = cv2.resize(pixels, (48, 48), interpolation=cv2.INTER_AREA).reshape(-1, 3).astype(np.float32)
    chroma = (small @ YCC.T)[:, 1:]
    strength = np.hypot(chroma[:, 0], chroma[:, 1])
    hues = chroma[strength > FAINT_COLOUR] / strength[strength > FAINT_COLOUR, None]
    return len(hues) < 20 or float(np.hypot(*hues.mean(0))) > ONE_HUE
