"""Hashes of parts of a picture, made from its thumbnail: what finds cropped and marked copies.

A crop moves every edge of a picture, and a caption changes a corner of it: both change many bits of a hash of the
whole. So the hash of a picture without its border is compared with whole pictures, and the hash without two of its
borders (a watermark stands at a border) with the same part of others. All hashes here are 64-bit DCT hashes (as
imagehash's phash) of the 32 x 32 thumbnail, whatever `dedupe.hash` is, computed in a fixed order: the same bits on
every machine.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.hash_kernels import compiled
from curation.dedupe.image_arrays import release
from curation.dedupe.thumbnail_alignment import BOXES, SIDE, unpack

Window = tuple[float, float, float, float]  # scale and shift across, scale and shift down, in cells

LOW = 8  # frequencies kept across and down
FAINT = 2.0  # grey levels that the strongest wave of a window must have
SLICE = 8192  # thumbnails a thread hashes at a time
MARKLESS = 0.75  # share of each side that is left without a marked border
_AWAY = (1 - MARKLESS) * SIDE / 2
WHOLE: Window = (0.0, 0.0, 0.0, 0.0)
UPPER_LEFT: Window = (MARKLESS - 1, -_AWAY, MARKLESS - 1, -_AWAY)
LOWER_RIGHT: Window = (MARKLESS - 1, _AWAY, MARKLESS - 1, _AWAY)
CROPS = (1, 3, 4, 5, 6)  # those of BOXES that lie inside the frame


class View(NamedTuple):
    """Hashes uint64 [n, 1] of a window of every picture, and whether there is enough in it to hash."""

    hashes: NDArray[np.uint64]
    telling: NDArray[np.bool_]


def look(
    thumbnails: NDArray[np.uint8], threads: ThreadPoolExecutor, window: Window = WHOLE, orientation: int = 0
) -> View:
    """Hash a window of every thumbnail (uint8 [n, bytes]), after turning it."""
    bases = basis(window[0], window[1]), basis(window[2], window[3])
    hashes, telling = np.empty((len(thumbnails), 1), np.uint64), np.empty(len(thumbnails), np.bool_)

    def part(low: int) -> None:
        rows = slice(low, low + SLICE)
        dct_hashes(thumbnails[rows], orientation, bases, hashes[rows], telling[rows])
        release(thumbnails[rows])

    list(threads.map(part, range(0, len(thumbnails), SLICE)))
    return View(hashes, telling)


def crop(index: int) -> Window:
    """The window that BOXES[index] looks through."""
    one, two, three, four = (float(value) for value in BOXES[index])
    return one, two, three, four


@compiled
def dct_hashes(
    thumbnails: np.ndarray,
    orientation: int,
    bases: tuple[np.ndarray, np.ndarray],
    hashes: np.ndarray,
    telling: np.ndarray,
) -> None:
    """Fill the hashes of a window of each thumbnail, in imagehash's order of bits; bases: (across, down)."""
    across, down = bases
    middle, low, grey = (
        np.empty((LOW, SIDE), np.float32),
        np.empty((LOW, LOW), np.float32),
        np.empty((SIDE, SIDE), np.float32),
    )
    for n in range(thumbnails.shape[0]):
        unpack(thumbnails[n], orientation, grey)
        middle[:] = np.float32(0.0)
        for f in range(LOW):
            for y in range(SIDE):
                for x in range(SIDE):
                    middle[f, x] += down[y, f] * grey[y, x]
        low[:] = np.float32(0.0)
        for f in range(LOW):
            for x in range(SIDE):
                for g in range(LOW):
                    low[f, g] += middle[f, x] * across[x, g]
        values = low.ravel()
        ordered = np.sort(values)
        threshold = (ordered[LOW * LOW // 2 - 1] + ordered[LOW * LOW // 2]) / np.float32(2.0)
        bits, strongest = np.uint64(0), np.float32(0.0)
        for k in range(LOW * LOW):
            bits = (bits << np.uint64(1)) | np.uint64(values[k] > threshold)
            if k > 0:
                strongest = max(strongest, abs(values[k]))
        hashes[n, 0] = bits
        telling[n] = strongest > FAINT * SIDE * SIDE / 2


def basis(scale: float, shift: float) -> NDArray[np.float32]:
    """Low DCT frequencies of a row of cells seen through a window: float32 [SIDE, LOW]."""
    middle = (SIDE - 1) / 2
    cells = np.arange(SIDE)
    place = np.clip(middle + (1 + scale) * (cells - middle) + shift, 0, SIDE - 1)
    left = np.minimum(place.astype(np.int64), SIDE - 2)
    waves = np.cos(np.pi * (2 * cells[:, None] + 1) * np.arange(LOW)[None] / (2 * SIDE))
    out = np.zeros((SIDE, LOW))
    for cell in cells:
        out[left[cell]] += waves[cell] * (1 - (place[cell] - left[cell]))
        out[left[cell] + 1] += waves[cell] * (place[cell] - left[cell])
    return out.astype(np.float32)
