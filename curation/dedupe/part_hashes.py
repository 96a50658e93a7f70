"""Hashes of parts of a picture, made from its thumbnail: they find cropped and marked copies.

A crop moves every edge of a picture, and a caption changes a corner. Both change many bits of a hash of the whole
picture. So two further comparisons are made:

- the hash of a picture without its border is compared with hashes of whole pictures (crops);
- the hash of a picture without two of its borders is compared with the same part of others (a watermark stands at a
  border).

All hashes here are 64-bit DCT hashes of the 32 x 32 thumbnail, as imagehash's phash, whatever `dedupe.hash` is. They
are computed in a fixed order, so that every machine gets the same bits.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.hash_kernels import compiled
from curation.dedupe.image_arrays import release
from curation.dedupe.thumbnail_alignment import BOXES, EDGE, unpack

Window = tuple[float, float, float, float]  # scale and shift across, scale and shift down, in cells

LOW = 8  # frequencies kept across and down
FAINT = 2.0  # least amplitude, in grey levels, of the strongest frequency of a window
SLICE = 8192  # thumbnails a thread hashes at a time
MARKLESS = 0.75  # share of the width and of the height that is left without a marked border
_AWAY = (1 - MARKLESS) * EDGE / 2
WHOLE: Window = (0.0, 0.0, 0.0, 0.0)
UPPER_LEFT: Window = (MARKLESS - 1, -_AWAY, MARKLESS - 1, -_AWAY)
LOWER_RIGHT: Window = (MARKLESS - 1, _AWAY, MARKLESS - 1, _AWAY)
CROPS = (1, 3, 4, 5, 6)  # those of BOXES that lie inside the frame


class WindowHashes(NamedTuple):
    """Hashes uint64 [n, 1] of a window of every picture, and bool [n]: whether it has enough contrast."""

    hashes: NDArray[np.uint64]
    contrasty: NDArray[np.bool_]


def hash_window(
    thumbnails: NDArray[np.uint8], threads: ThreadPoolExecutor, window: Window = WHOLE, orientation: int = 0
) -> WindowHashes:
    """Hash a window of every thumbnail (uint8 [n, bytes]), after turning it."""
    bases = basis(window[0], window[1]), basis(window[2], window[3])
    hashes, contrasty = np.empty((len(thumbnails), 1), np.uint64), np.empty(len(thumbnails), np.bool_)

    def part(low: int) -> None:
        rows = slice(low, low + SLICE)
        dct_hashes(thumbnails[rows], orientation, bases, hashes[rows], contrasty[rows])
        release(thumbnails[rows])

    list(threads.map(part, range(0, len(thumbnails), SLICE)))
    return WindowHashes(hashes, contrasty)


def crop(index: int) -> Window:
    """The window of BOXES[index]."""
    one, two, three, four = (float(value) for value in BOXES[index])
    return one, two, three, four


@compiled
def dct_hashes(
    thumbnails: np.ndarray,
    orientation: int,
    bases: tuple[np.ndarray, np.ndarray],
    hashes: np.ndarray,
    contrasty: np.ndarray,
) -> None:
    """Fill the hashes of a window of each thumbnail, in imagehash's order of bits; bases: (across, down)."""
    across, down = bases
    middle, low, grey = (
        np.empty((LOW, EDGE), np.float32),
        np.empty((LOW, LOW), np.float32),
        np.empty((EDGE, EDGE), np.float32),
    )
    for n in range(thumbnails.shape[0]):
        unpack(thumbnails[n], orientation, grey)
        middle[:] = np.float32(0.0)
        for f in range(LOW):
            for y in range(EDGE):
                for x in range(EDGE):
                    middle[f, x] += down[y, f] * grey[y, x]
        low[:] = np.float32(0.0)
        for f in range(LOW):
            for x in range(EDGE):
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
        contrasty[n] = strongest > FAINT * EDGE * EDGE / 2


def basis(scale: float, shift: float) -> NDArray[np.float32]:
    """Low DCT frequencies of a row of cells seen through a window: float32 [EDGE, LOW]."""
    middle = (EDGE - 1) / 2
    cells = np.arange(EDGE)
    position = np.clip(middle + (1 + scale) * (cells - middle) + shift, 0, EDGE - 1)
    left = np.minimum(position.astype(np.int64), EDGE - 2)
    waves = np.cos(np.pi * (2 * cells[:, None] + 1) * np.arange(LOW)[None] / (2 * EDGE))
    out = np.zeros((EDGE, LOW))
    for cell in cells:
        out[left[cell]] += waves[cell] * (1 - (position[cell] - left[cell]))
        out[left[cell] + 1] += waves[cell] * (position[cell] - left[cell])
    return out.astype(np.float32)
